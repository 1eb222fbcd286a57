"""The memory that a champion and its challenger take, each in a process of its own."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from classifier.interface import Classifier
from classifier.loading import Options
from classifier.version_files import read_manifest
from core.errors import DatabaseUnavailableError
from core.settings import Settings
from db import Database
from registry.opening import load_version
from training.gate.costs import MOST
from training.gate.memory import Peak, peak_memory
from training.runs.patience import patiently

_TICKETS = 32
_MIB = 1 << 20
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
        versions: names of the champion and the challenger.
        texts: of tickets; the first ones are answered.
        allowed: codes of the units that may be answered.
    """
    if why := by_construction(settings.resolved_models_dir, *versions):
        return Peak(None, why), Peak(None, why)
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


def by_construction(folder: Path, champion: str, challenger: str) -> str:
    """Say why a challenger cannot take much more than a champion; empty where it may.

    Two LLMs on one base differ by their own files alone: adapter, head, linear model. So loading
    the base twice more, beside a worker that holds it, would show nothing.

    Args:
        folder: of all versions.
        champion: a version's name.
        challenger: another one's.
    """
    lineages = [read_manifest(folder / name).lineage for name in (champion, challenger)]
    old, new = (lineage.base if lineage else None for lineage in lineages)
    if old is None or new is None or old.sha256 != new.sha256:
        return ""
    before, after = (
        sum(file.stat().st_size for file in (folder / name).iterdir())
        for name in (champion, challenger)
    )
    if after > MOST * before:
        return ""
    sizes = " and ".join(f"{size / _MIB:,.1f} MiB" for size in (after, before))
    return f"it and the champion add {sizes} of files to the same base {new.name}"


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
