"""The memory that a champion and its challenger take, each in a process of its own."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from classifier.interface import Classifier
from classifier.loading import Options
from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database
from registry.opening import load_version
from training.gate.memory import Peak, peak_memory
from training.runs.patience import patiently

_TICKETS = 32
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

    def measure(name: str) -> Peak:
        load = partial(_open, url, name, settings, options)
        return peak_memory(load, texts[:_TICKETS], allowed)

    # Side by side where they share no GPU: most of the time is the start of a process.
    with ThreadPoolExecutor(1 if options.gpu_memory else len(versions)) as pool:
        first, second = pool.map(measure, versions)
    return first, second


def _open(url: str, name: str, settings: Settings, options: Options) -> Classifier:
    """Open a version as soon as the database is there: an outage must not be its fault."""
    database = Database(url)
    return patiently(
        lambda: load_version(database, name, settings.resolved_models_dir, options),
        settings.heartbeat,
        faults=(DatabaseUnavailableError,),
    )


def _free_on_gpu() -> int | None:
    """Return the bytes that a version may take on the GPU; None where this process uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    return int(_SHARE * free)
