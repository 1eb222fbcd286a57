"""The memory that a champion and its challenger take, each in a process of its own."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from classifier.interface import Classifier
from classifier.loading import Options
from core.settings import Settings
from db import Database
from registry.opening import load_version
from training.gate.memory import Peak, peak_memory

_TICKETS = 64
_SHARE = 0.9  # of the GPU's free memory; what is free may shrink a little meanwhile


def measure_peaks(
    database: Database,
    settings: Settings,
    versions: tuple[str, str],
    texts: Sequence[str],
    allowed: frozenset[str],
) -> tuple[Peak, Peak]:
    """Return the most memory that each of two registered versions takes to answer some tickets.

    Args:
        database: the record.
        settings: where versions are.
        versions: their names.
        texts: of tickets; the first ones are answered.
        allowed: codes of the units that may be answered.
    """
    # An LLM takes what is free for its cache. Both are told the same size.
    options = Options(gpu_memory=_free_on_gpu())
    url = database.url.render_as_string(hide_password=False)
    first, second = (
        peak_memory(
            partial(_open, url, name, settings.resolved_models_dir, options),
            texts[:_TICKETS],
            allowed,
        )
        for name in versions
    )
    return first, second


def _open(url: str, name: str, models_dir: Path, options: Options) -> Classifier:
    return load_version(Database(url), name, models_dir, options)


def _free_on_gpu() -> int | None:
    """Return the bytes that a version may take on the GPU; None where this process uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    return int(_SHARE * free)
