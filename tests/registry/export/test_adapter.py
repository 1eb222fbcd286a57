"""An export for peft: read by peft alone, with the base that its configuration names."""

import json
from pathlib import Path

import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoTokenizer

from classifier.model.adapter_file import CONFIG, WEIGHTS
from registry.export.adapter import write_adapter
from registry.export.source import Source
from tests.support.adapters import plain_model, random_adapter
from tests.support.llm_versions import added_base, random_llm


def test_peft_reads_the_adapter_and_finds_its_base(tmp_path: Path) -> None:
    # Given a version whose adapter was trained where the base lay elsewhere
    base = added_base(tmp_path, tmp_path, "qwen2")
    version = random_llm(tmp_path, base)
    expected = random_adapter(base, tmp_path / "reference")
    out = tmp_path / "out"
    out.mkdir()

    # When it is exported and read by peft, given the base and not
    write_adapter(Source.open(version.path), out)
    given = PeftModel.from_pretrained(plain_model(base), str(out)).eval()
    found = AutoPeftModelForCausalLM.from_pretrained(str(out), dtype=torch.float32).eval()

    # Then both compute what the model with the adapter does
    ids = torch.tensor([AutoTokenizer.from_pretrained(out)("路灯坏了").input_ids])
    with torch.inference_mode():
        logits = [model(ids).logits for model in (expected, given, found)]
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])


def test_the_weights_are_the_versions_and_the_base_is_named_by_where_it_lies_now(
    tmp_path: Path,
) -> None:
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2"))
    out = tmp_path / "out"
    out.mkdir()

    write_adapter(Source.open(version.path), out)

    config = json.loads((out / CONFIG).read_text())
    assert config["base_model_name_or_path"] == str(tmp_path / "qwen2")
    assert config["inference_mode"] is True
    assert (out / WEIGHTS).read_bytes() == (version.path / WEIGHTS).read_bytes()
