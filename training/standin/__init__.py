"""Builds the stand-in base: a language model of some 2 M parameters that stands for the real LLM.

It proves the way (4-bit base, LoRA adapter, labels searched exactly) where there is no GPU and no
model hub. It is no LLM, and knows nothing but tickets.

``build.build_standin`` takes unlabelled tickets and ``settings``. A ``tokenizer`` is trained on
them; ``embeddings`` places tokens near each other that stand in the same tickets. ``rows`` makes
each ticket one row: some of its sentences are shown and the others asked for, in the ``frame`` of
the prompt that the base will be fine-tuned and asked with. ``weights`` learns these rows. The
result is a transformers model directory; ``paidan base add`` enters it.
"""
