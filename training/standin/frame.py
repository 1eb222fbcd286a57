"""The frame of the prompt that the base will be fine-tuned and asked with, each piece apart."""

from classifier.labels.template import END_THINK, THINK

BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"

QUESTION = "### Question:\n"
RESPONSE = f"\n### Response:\n{THINK}\n"
ANSWER = f"\n{END_THINK}\n"
HEADINGS = (QUESTION, "\n### Response:\n", "### Instruction:\n")

POSITIONS = 2048
"""The longest text, in tokens, of which the base has position embeddings."""
