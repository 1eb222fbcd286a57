"""The runner for CUDA: compiled layers over flex_attention with a block mask.

The number of tokens is a dynamic size of what is compiled, so that it is compiled once; written as
blocks of 128, by which attention's kernel then knows it to be divisible. A forward is started
without waiting for the one before, and its answers come through pinned memory.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention.flex_attention import FlexKernelOptions

from classifier.model.blocks import Blocks, blocks_of_all, blocks_of_places
from classifier.model.decoder import (
    FP8_MAX,
    Layer,
    Linear,
    Seen,
    Shape,
    layer_of,
    linear_of,
    rope_frequencies,
)
from classifier.model.kv_cache import PADDING, PAGE, SCRAP
from classifier.model.lora import LoraLinear
from classifier.model.memory import LEAST_STORED
from classifier.model.nf4 import nf4_weight
from classifier.model.pack import Pack
from classifier.model.runner import TOKEN_BUDGET, Answers, Mode, look_up, new_cache

logger = logging.getLogger(__name__)

# Three functions are compiled: a pool of processes would cost more than it saves, and hangs in some
# sandboxes.
torch._inductor.config.compile_threads = 1

Array = NDArray[Any]
Part = TypeVar("Part", bound=Callable[..., Any])

# Shared memory of a block, in bytes, under which attention takes smaller tiles (an RTX 4090's).
_SMALL = 110_000
_SMALL_TILES: FlexKernelOptions = {"BLOCK_M": 64, "BLOCK_N": 64, "num_stages": 2, "num_warps": 4}
# Forwards of so many tokens are recorded as CUDA graphs, others of no more filled up to the next
# size. Few sizes: each is recorded when it first comes, which makes the GPU wait, and keeps memory.
_RECORDED = (256, 384, 640, 1024, 2048)


class Frame:
    """The inputs of a forward.

    Each is a tensor of its own: the place of a view in its storage would be one more thing that
    compiled code depends on.

    Args:
        flat: int32, as ``contents`` lays it out.
        size: tokens, a multiple of ``PAGE``.
        tables: of the cache's rows: ticket, order and stop, (rows,) int32 each.
    """

    def __init__(self, flat: torch.Tensor, size: int, tables: Sequence[torch.Tensor]) -> None:
        self.size = size
        blocks, pages = size // PAGE, len(tables[0]) // PAGE
        lengths = [size] * 6 + [blocks, blocks * pages] * 2
        self._parts = [part.clone() for part in torch.split(flat, lengths)]
        tickets, order, *columns = self._parts[:6]
        self.ids, self.positions, self.places, self.rows = (c.view(blocks, -1) for c in columns)
        partial, partial_pages, full, full_pages = self._parts[6:]
        self.seen = Seen(
            tickets,
            order,
            partial,
            partial_pages.view(blocks, -1),
            full,
            full_pages.view(blocks, -1),
            *tables,
        )
        for part in (self.rows, *self.seen[:6]):
            torch._dynamo.maybe_mark_dynamic(part, 0)

    def copy_(self, other: "Frame") -> None:
        """Take the contents of a frame of the same size."""
        torch._foreach_copy_(self._parts, other._parts)

    @staticmethod
    def contents(pack: Pack, chosen: Any, size: int, blocks: Blocks) -> Array:
        """Return what ``flat`` holds for the chosen tokens of a pack."""
        columns = (
            (pack.tickets, PADDING),
            (pack.order, 0),
            (pack.ids, 0),
            (pack.positions, 0),
            (np.arange(len(pack.ids)), 0),
            (pack.rows, SCRAP),
        )
        padded = [_padded(values[chosen], size, filling) for values, filling in columns]
        return np.concatenate([*padded, *(table.ravel() for table in blocks)])


class CompiledRunner:
    """Reads packs through compiled layers.

    Args:
        model: of transformers, with ``LoraLinear`` layers.
        mode: how weights are kept for the products.
        token_budget: tokens of the largest forward in steady state.
        stored: tokens whose keys and values are stored in steady state.
        compiled: whether to compile; without, only for tests of small models.
    """

    ahead = 1

    def __init__(
        self,
        model: Any,
        mode: Mode = "nf4",
        token_budget: int = TOKEN_BUDGET,
        stored: int | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        self.model = model
        self.token_budget = token_budget
        self.mode = mode
        self.busy = 0.0
        self.device = model.device
        config = model.config
        # With the prefix, and with room for labels where the budget is small.
        pages = 16 + max(32, (stored or int(LEAST_STORED * token_budget)) // PAGE)
        self.cache = new_cache(model, pages, steady=True)  # what grows is compiled anew
        self._shape = Shape(
            config.num_attention_heads,
            config.num_key_value_heads,
            self.cache.keys.shape[-1],
            config.rms_norm_eps,
            _tiles(self.device),
        )
        frequencies, self._amplitude = rope_frequencies(config)
        self._frequencies = frequencies.to(self.device)
        self._compiled = compiled
        self._whole = self._made(self._shape.whole)
        self._store = self._made(self._shape.store)
        self._some = self._made(self._shape.some)
        self._graphs: dict[int, _Recorded | None] = {}
        self._pool: Any = None
        self.tables = [torch.zeros(0, dtype=torch.int32, device=self.device) for _ in range(3)]
        self._layers: list[Layer] = []
        self._staged = _Staged(self.device)
        self.adapted()

    def _made(self, part: Part) -> Part:
        if not self._compiled:
            return part
        made: Part = torch.compile(part)  # type: ignore[assignment]
        return made

    @torch.inference_mode()
    def adapted(self) -> None:
        """Take the layers' weights with the adapter that they have now."""
        convert = {"bf16": _merged, "fp8": rounded_to_fp8}.get(self.mode, linear_of)
        self.tables[0].fill_(PADDING)  # no row is anyone's any more
        self._graphs.clear()  # they hold the weights of before
        self._layers = []  # what was merged goes before more is
        self._layers = [layer_of(module, convert) for module in self.model.model.layers]

    @torch.inference_mode()
    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store a pack's keys and values, (layers, t, key-value heads, size)."""
        self._note(*self._staged.send(*_told(pack)))
        rows = torch.from_numpy(pack.rows).to(self.device)
        self.cache.keys[:, rows], self.cache.values[:, rows] = keys, values

    @torch.inference_mode()
    def start(self, pack: Pack) -> Answers:
        """Start to read a pack; the function returned waits for its answers."""
        sizes = _sizes(len(pack.ids), len(pack.places))
        counts = [size // PAGE for size in sizes]
        *told, contents, asked_contents, which, tokens = self._staged.send(
            *_told(pack),
            Frame.contents(pack, slice(None), sizes[0], blocks_of_all(pack, counts[0])),
            Frame.contents(pack, pack.places, sizes[1], blocks_of_places(pack, counts[1])),
            *pack.questions,
        )
        began = _event() if self.device.type == "cuda" else None
        self._note(*told)
        hidden = self._replay(
            self._frame(contents, sizes[0]), self._frame(asked_contents, sizes[1])
        )
        if not pack.asked:
            return list
        return self._coming(began, look_up(pack, hidden, self._head, which, tokens))

    def _coming(self, began: torch.cuda.Event | None, found: torch.Tensor) -> Answers:
        """Return a function that waits for values on the device, and counts how long it worked."""
        if began is None:
            return found.tolist
        there = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
        there.copy_(found, non_blocking=True)
        ended = _event()

        def answers() -> list[float]:
            ended.synchronize()
            self.busy += began.elapsed_time(ended) / 1000
            values: list[float] = there.tolist()
            return values

        return answers

    def _replay(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Do as ``_read``; small forwards from a CUDA graph, for they wait for the CPU else."""
        if not self._compiled or frame.size > _RECORDED[-1]:
            return self._read(frame, asked)
        if frame.size not in self._graphs:
            hidden = self._read(frame, asked)  # compiles, which cannot be recorded
            self._graphs[frame.size] = self._record(frame, asked)
            return hidden
        recorded = self._graphs[frame.size]
        if recorded is None:
            return self._read(frame, asked)
        recorded.frame.copy_(frame)
        recorded.asked.copy_(asked)
        recorded.graph.replay()
        return recorded.hidden

    def _record(self, frame: Frame, asked: Frame) -> "_Recorded | None":
        """Record a forward; None where there is no memory for it, and it is never tried again."""
        graph = torch.cuda.CUDAGraph()
        if not any(self._graphs.values()):
            # One pool for all: an answer is used before the next is made.
            self._pool = torch.cuda.graph_pool_handle()
        try:
            # Other threads may allocate meanwhile: one loads the next version.
            with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
                return _Recorded(graph, frame, asked, self._read(frame, asked))
        except torch.OutOfMemoryError:
            logger.warning(
                "no GPU memory to record forwards of %d tokens: they start more slowly", frame.size
            )
            return None

    def _frame(self, flat: torch.Tensor, size: int) -> Frame:
        return Frame(flat, size, self.tables)

    def _read(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Run the layers; return the (s, hidden) of the places asked after."""
        model = self.model.model
        keys, values = self.cache.keys, self.cache.values
        hidden, rope = model.embed_tokens(frame.ids), self._rope(frame)
        torch._dynamo.maybe_mark_dynamic(hidden, 0)
        *layers, last = self._layers
        for number, layer in enumerate(layers):
            hidden = self._whole(
                hidden, layer, rope, keys[number], values[number], frame.rows, frame.seen
            )
        self._store(hidden, last, rope, keys[-1], values[-1], frame.rows)
        some = hidden.flatten(0, 1)[asked.places]
        torch._dynamo.maybe_mark_dynamic(some, 0)
        return self._some(
            some, last, self._rope(asked), keys[-1], values[-1], asked.seen, model.norm.weight
        )

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        weight: torch.Tensor = self.model.lm_head.weight.t()
        if self.device.type == "cuda":
            return torch.mm(hidden, weight, out_dtype=torch.float32)
        return hidden.float() @ weight.float()

    def _rope(self, frame: Frame) -> torch.Tensor:
        """Return cos and sin, (b, 128, 2, size) float32, of the positions."""
        turns = frame.positions[..., None] * self._frequencies
        angles = torch.cat((turns, turns), dim=-1)
        rope = torch.stack((angles.cos(), angles.sin()), dim=2) * self._amplitude
        torch._dynamo.maybe_mark_dynamic(rope, 0)
        return rope

    def _fit_store(self) -> None:
        """Make the tables of the rows as long as the cache."""
        missing = self.cache.rows - len(self.tables[0])
        if missing:
            new = torch.full((missing,), PADDING, dtype=torch.int32, device=self.device)
            self.tables = [torch.cat((table, new)) for table in self.tables]
            self._graphs.clear()

    def _note(self, rows: torch.Tensor, *told: torch.Tensor) -> None:
        self._fit_store()
        for table, values in zip(self.tables, told, strict=True):
            table.index_copy_(0, rows.long(), values)


def _told(pack: Pack) -> tuple[Array, Array, Array, Array]:
    """Return the rows of a pack's pages, and of each the ticket, order and stop.

    What is left of the last page is nobody's.
    """
    size = len(pack.page_rows)
    return (
        pack.page_rows,
        _padded(pack.tickets, size, PADDING),
        _padded(pack.order, size, 0),
        _padded(pack.stops, size, 0),
    )


def _padded(values: Array, size: int, filling: int) -> Array:
    padded = np.full(size, filling, values.dtype)
    padded[: len(values)] = values
    return padded


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


class _Recorded(NamedTuple):
    """A recorded forward, and where its inputs and its answer lie."""

    graph: torch.cuda.CUDAGraph
    frame: Frame
    asked: Frame
    hidden: torch.Tensor


class _Staged:
    """Carries arrays to the device through pinned memory, without waiting for it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffer = torch.zeros(0, dtype=torch.int32)
        self._sent: torch.cuda.Event | None = None

    def send(self, *contents: Array) -> Sequence[torch.Tensor]:
        """Return one-dimensional arrays as int32 on the device."""
        lengths = [len(values) for values in contents]
        total = sum(lengths)
        if self._buffer.numel() < total:
            pinned = self.device.type == "cuda"
            self._buffer = torch.empty(2 * total, dtype=torch.int32, pin_memory=pinned)
        if self._sent is not None:
            self._sent.synchronize()  # until then the buffer is still being read
        np.concatenate(contents, out=self._buffer[:total].numpy(), casting="same_kind")
        sent = self._buffer[:total].to(self.device, non_blocking=True, copy=True)
        if self.device.type == "cuda":
            self._sent = _event()
        return torch.split(sent, lengths)


def _sizes(tokens: int, asked: int) -> tuple[int, int]:
    """Return the sizes of the frames for a forward's tokens and for those, no more, asked after.

    Two pages at least: of sizes from two on one compiled function serves all.
    """
    recorded = next((size for size in _RECORDED if size >= tokens), None)
    if recorded:
        return recorded, recorded
    return -(-tokens // PAGE) * PAGE, max(2, -(-asked // PAGE)) * PAGE


def _tiles(device: torch.device) -> FlexKernelOptions | None:
    """Return attention's kernel options: smaller tiles where shared memory is small."""
    if device.type != "cuda":
        return None
    options: FlexKernelOptions = {"FORCE_USE_FLEX_ATTENTION": True}
    properties: Any = torch.cuda.get_device_properties(device)
    if properties.shared_memory_per_block_optin < _SMALL:
        options |= _SMALL_TILES
    return options


def _merged(layer: LoraLinear) -> Linear:
    """Return a layer's weight with its adapter added, in the dtype of the computation."""
    return Linear(_full(linear_of(layer), layer.dtype), None, None, None, layer.bias)


def rounded_to_fp8(layer: LoraLinear) -> Linear:
    """Return a layer's weight with its adapter added, in float8 with a scale for each row."""
    weight = _full(linear_of(layer), torch.float32)
    scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / FP8_MAX
    rounded = (weight / scale).to(torch.float8_e4m3fn)
    return Linear(rounded, scale.t().contiguous(), None, None, layer.bias)


def _full(layer: Linear, dtype: torch.dtype) -> torch.Tensor:
    if layer.scales is not None:
        weight: torch.Tensor = nf4_weight(layer.weight, layer.scales, layer.a, layer.b, dtype)
        return weight
    weight = layer.weight.float()
    if layer.a is not None and layer.b is not None:
        weight = weight + layer.b.float() @ layer.a.float()
    return weight.to(dtype)
