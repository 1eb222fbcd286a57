"""How much memory a version takes, measured in a process of its own."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from classifier.interface import Classifier
from core.faults import describe
from core.process import die_with_parent

LIMIT_S = 600.0
"""A version that has not answered by then is not measured."""

_STATUS = Path("/proc/self/status")
_KIB = 1024
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that a version took.

    Parameters:
        size: in bytes; None where it could not be measured.
        why_not: why it could not, for people.
    """

    size: int | None
    why_not: str = ""


def peak_memory(
    load: Callable[[], Classifier],
    texts: Sequence[str],
    allowed: frozenset[str],
    limit_s: float = LIMIT_S,
) -> Peak:
    """Return the most memory that a version took to load and to answer.

    A process of its own holds this version alone. On a GPU its memory counts, elsewhere the
    process's; libraries are part of it, for each version alike. Nothing that happens there is
    raised here.

    Args:
        load: opens the version; what pickle can send to another process.
        texts: answered in one batch, and the first one alone.
        allowed: codes of the units that may be answered.
        limit_s: after so many seconds the process is ended.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_measure, args=(sender, load, list(texts), allowed, os.getpid()), daemon=True
    )
    process.start()
    sender.close()
    try:
        if not receiver.poll(limit_s):
            return Peak(None, f"it did not answer within {limit_s:g} s")
        found: Peak = receiver.recv()
    except EOFError:
        process.join(_END_S)
        return Peak(None, f"its process died (exit code {process.exitcode})")
    finally:
        process.kill()
        process.join()
        receiver.close()
    return found


def _measure(
    sender: Connection,
    load: Callable[[], Classifier],
    texts: list[str],
    allowed: frozenset[str],
    parent: int,
) -> None:
    # A run that is killed starts again at once, and needs the memory.
    die_with_parent(parent=parent)
    try:
        sender.send(_answer(load, texts, allowed))
    except Exception as error:  # told to whoever asked; a version that fails is judged elsewhere
        sender.send(Peak(None, describe(error)))


def _answer(load: Callable[[], Classifier], texts: list[str], allowed: frozenset[str]) -> Peak:
    classifier = load()
    classifier.classify(texts, [allowed] * len(texts))
    classifier.classify(texts[:1], [allowed] * len(texts[:1]))
    size = _on_gpu() or _in_process()
    return Peak(size, "" if size else "this system does not tell it (no Linux)")


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
