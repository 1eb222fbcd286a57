"""The README of an export: what it holds, what it answers, and an example that runs."""

from classifier.labels.head import HEAD
from registry.export.beside import BESIDE, PROMPT
from registry.export.source import Source

_LOAD_MERGED = """\
from transformers import AutoModelForCausalLM, AutoTokenizer
model = AutoModelForCausalLM.from_pretrained(".", dtype=torch.float32)
body = model.model"""
_LOAD_ADAPTER = """\
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer, BitsAndBytesConfig
nf4 = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True
)
model = AutoPeftModelForCausalLM.from_pretrained(
    ".", quantization_config=nf4, dtype=torch.float32
)
body = model.get_base_model().model"""
# After the imports and the model: ten lines.
_ANSWER = """\
prompt = json.load(open("{beside}/{prompt}", encoding="utf-8"))
ticket = AutoTokenizer.from_pretrained(".")("{ticket}", add_special_tokens=False).input_ids
ids = torch.tensor([prompt["prefix"] + ticket[: prompt["room"]] + prompt["suffix"]])
with torch.inference_mode(), safe_open("{beside}/{head}", "pt") as head:
    hidden = body(ids).last_hidden_state[0, -1].float()
    logits = head.get_tensor("weight") @ hidden + head.get_tensor("bias")
    codes = json.loads(head.metadata()["units"])
shares = (logits / prompt["temperature"]).softmax(0)
for code, share in sorted(zip(codes, shares.tolist()), key=lambda pair: -pair[1])[:5]:
    print(code, prompt["units"][code], f"{{share:.4f}}")"""

EXAMPLE_TICKET = "路灯坏了，晚上看不见路"


def adapter_readme(source: Source) -> str:
    """Return the README of an export for peft."""
    base = source.base
    what = (
        "The LoRA adapter in peft's format, with its base's tokenizer. `adapter_config.json` names "
        f"the base where it lies on the machine of the export: `{base.path}` (base {base.name}, "
        f"sha256 {base.sha256}). Elsewhere, set `base_model_name_or_path` to its place.\n\n"
        "Paidan answers with the base in NF4, on which the adapter was trained. On the base in "
        "full precision it answers otherwise. bitsandbytes rounds its products more coarsely, so "
        "here probabilities differ from Paidan's in the third digit."
    )
    return _readme(source, "adapter", what, _LOAD_ADAPTER)


def merged_readme(source: Source) -> str:
    """Return the README of an export for transformers and vLLM."""
    base = source.base
    what = (
        f"Base {base.name} (sha256 {base.sha256}) with the LoRA adapter added to its weights, as "
        "transformers and vLLM read it.\n\nEach adapted matrix is W + s·B·A, summed in float32 and "
        "kept in the type that the base has. W is the base's weight rounded to NF4 and back: the "
        "adapter was trained on that, and Paidan answers with it. Paidan keeps B·A beside W, "
        "unrounded. So answers differ from Paidan's by the rounding of the sum: next to nothing in "
        "float32; in bfloat16, which keeps 8 bits, close scores may change places."
    )
    return _readme(source, "merged", what, _LOAD_MERGED)


def _readme(source: Source, form: str, what: str, load: str) -> str:
    name = source.manifest.name
    parts = [f"# {name} ({form})", what, _contents(source), *_notes(source)]
    if HEAD in source.manifest.files:
        answer = _ANSWER.format(beside=BESIDE, prompt=PROMPT, head=HEAD, ticket=EXAMPLE_TICKET)
        imports = "import json, torch\nfrom safetensors import safe_open"
        parts += ["The head's answer to a ticket:", f"```python\n{imports}\n{load}\n{answer}\n```"]
    return "\n\n".join(parts) + "\n"


def _contents(source: Source) -> str:
    head = f"`{HEAD}` (a row of weights and a bias for each unit), " * (
        HEAD in source.manifest.files
    )
    return (
        f"In `{BESIDE}/`: {head}`{PROMPT}` (the prompt in tokens, and the units). A prompt is its "
        "prefix, the ticket's tokens and its suffix. Before, Paidan masks personal numbers, puts a "
        "space into marks of the prompt that a ticket contains, and cuts tickets longer than "
        "`room` in their middle. The version's threshold is not part of the export."
    )


def _notes(source: Source) -> list[str]:
    """Return how the version itself answers, where the model alone does not."""
    answer = source.setup.answer
    notes = []
    if answer is None or answer.by == "names":
        notes.append(
            "This version answers by the units' names: a unit's score is the sum of its name's "
            f"log-probabilities, token by token after the prompt (`names` in `{PROMPT}`), divided "
            "by `temperature`, and the softmax of these."
        )
    if answer is not None and answer.linear_weight:
        notes.append(
            "This version adds a linear model's scores, times "
            f"{answer.linear_weight:g}, to the head's. The linear model is not part of the "
            f"language model, so the example's answers lack it; its files lie in `{BESIDE}/`: "
            "weights.safetensors and vocabulary.json (scikit-learn's TfidfVectorizer)."
        )
    return notes
