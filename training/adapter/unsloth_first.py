"""Imports unsloth where it can be used: it must come before transformers, peft and trl."""

import importlib.util

import torch

AVAILABLE = torch.cuda.is_available() and importlib.util.find_spec("unsloth") is not None
if AVAILABLE:
    import unsloth  # noqa: F401
