"""How a model's weights are kept for the products."""

from typing import Literal

from core.settings import ModelMode

Mode = Literal[ModelMode, "full"]
"""``nf4``: in 4 bits, dequantised for each product. ``bf16`` and ``fp8``: converted once, with the
adapter in them. ``full``: as the base has them, in the dtype of the computation; for tests and
training."""
