"""CUDA graphs of small forwards: recorded once for each size, then replayed.

The device finishes a small forward sooner than the CPU can start its kernels one by one. A graph
starts them all at once.
"""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE

logger = logging.getLogger(__name__)

RECORDED_TOKENS = (256, 384, 640, 1024, 2048)
"""Sizes that are recorded; a forward of no more tokens is filled up to the next one.

They are few: the GPU waits while one is recorded, and each keeps memory."""

Forward = Callable[[Frame, Frame], torch.Tensor]
"""Runs the layers over all tokens and over those asked after; returns the latter's states."""


def frame_sizes(tokens: int, asked: int) -> tuple[int, int]:
    """Return the sizes of the frames for a forward's tokens and for those, no more, asked after.

    Two pages at least: of sizes from two on one compiled function serves all.
    """
    recorded = next((size for size in RECORDED_TOKENS if size >= tokens), None)
    if recorded:
        return recorded, recorded
    return -(-tokens // PAGE) * PAGE, max(2, -(-asked // PAGE)) * PAGE


class _Recording(NamedTuple):
    """A recorded forward, and where its inputs and its answer lie."""

    graph: torch.cuda.CUDAGraph
    frame: Frame
    asked: Frame
    hidden: torch.Tensor


class CudaGraphs:
    """The recordings of a runner's forwards, by size."""

    def __init__(self) -> None:
        self._recordings: dict[int, _Recording | None] = {}
        self._pool: Any = None

    def clear(self) -> None:
        """Forget all recordings: they keep the addresses of weights and tables of before."""
        self._recordings.clear()

    def run(self, forward: Forward, frame: Frame, asked: Frame) -> torch.Tensor:
        """Return what ``forward`` does, from a recording where the size is one of those."""
        if frame.size > RECORDED_TOKENS[-1]:
            return forward(frame, asked)
        if frame.size not in self._recordings:
            hidden = forward(frame, asked)  # compiles, which cannot be recorded
            self._recordings[frame.size] = self._record(forward, frame, asked)
            return hidden
        recording = self._recordings[frame.size]
        if recording is None:
            return forward(frame, asked)
        recording.frame.copy_(frame)
        recording.asked.copy_(asked)
        recording.graph.replay()
        return recording.hidden

    def _record(self, forward: Forward, frame: Frame, asked: Frame) -> _Recording | None:
        """Record a forward; None where there is no memory for it, and it is never tried again."""
        graph = torch.cuda.CUDAGraph()
        if not any(self._recordings.values()):
            # One pool for all: an answer is used before the next is made.
            self._pool = torch.cuda.graph_pool_handle()
        try:
            # Other threads may allocate meanwhile: one loads the next version.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                return _Recording(graph, frame, asked, forward(frame, asked))
        except torch.OutOfMemoryError:
            logger.warning(
                "no GPU memory to record forwards of %d tokens: they start more slowly",
                frame.size,
                extra={"action": "recording.refused", "tokens": frame.size},
            )
            return None
