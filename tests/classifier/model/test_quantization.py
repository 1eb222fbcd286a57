"""The 4-bit format of a base."""

import json
from pathlib import Path

import torch

from classifier.model.quantization import quantization
from tests.support.models import random_base


def test_a_base_is_quantised_to_nf4_unless_it_is_already(tmp_path: Path) -> None:
    base = random_base(tmp_path / "tiny")

    config = quantization(base, torch.float32)["quantization_config"]
    path = base.path / "config.json"
    kept = json.loads(path.read_text()) | {"quantization_config": {"load_in_4bit": True}}
    path.write_text(json.dumps(kept))

    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert config.bnb_4bit_compute_dtype == torch.float32
    assert quantization(base, torch.float32) == {}
