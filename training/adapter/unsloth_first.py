"""Imports unsloth where it can be used: it must come before transformers, peft and trl."""

import importlib.util
import os

import torch

AVAILABLE = torch.cuda.is_available() and importlib.util.find_spec("unsloth") is not None
if AVAILABLE:
    import torch._inductor.config
    import unsloth  # noqa: F401

    # Unsloth lets torch keep what it compiled in the Redis at localhost:6379. That is the broker or
    # a stranger's, and where none listens, torch waits seconds for it at each kernel.
    torch._inductor.config.autotune_remote_cache = False
    os.environ["TORCHINDUCTOR_AUTOTUNE_REMOTE_CACHE"] = "0"  # of processes that this one starts
