"""How much memory a version takes, measured in a process of its own."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from classifier.interface import Classifier

_STATUS = Path("/proc/self/status")
_KIB = 1024


def peak_memory(
    load: Callable[[], Classifier], texts: Sequence[str], allowed: frozenset[str]
) -> int | None:
    """Return the most memory (bytes) that a version took to load and to answer.

    A process of its own holds this version alone. On a GPU its memory counts, elsewhere the
    process's; libraries are part of it, for each version alike.

    Args:
        load: opens the version; what pickle can send to another process.
        texts: answered in one batch, and the first one alone.
        allowed: codes of the units that may be answered.

    Returns:
        None where the system does not tell (no Linux).
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_answer, load, list(texts), allowed).result()


def _answer(
    load: Callable[[], Classifier], texts: list[str], allowed: frozenset[str]
) -> int | None:
    classifier = load()
    classifier.classify(texts, [allowed] * len(texts))
    classifier.classify(texts[:1], [allowed] * len(texts[:1]))
    return _on_gpu() or _in_process()


def _on_gpu() -> int:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.max_memory_reserved())


def _in_process() -> int | None:
    if not _STATUS.exists():
        return None
    # Not getrusage: its peak of a new process begins with the parent's.
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return None if peak is None else int(peak) * _KIB
