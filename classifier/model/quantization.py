"""The 4-bit format of a model's weights, in training as in serving."""

from typing import Any

import torch
from transformers import BitsAndBytesConfig

from classifier.model.bases.base import Base
from classifier.model.bases.config import is_quantized


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """Return the format: NF4 with double quantisation."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def quantization(base: Base, dtype: torch.dtype) -> dict[str, Any]:
    """Return how transformers shall quantise a base; one in 4 bits stays as it is."""
    if is_quantized(base.path, base.name):
        return {}
    return {"quantization_config": nf4_config(dtype)}
