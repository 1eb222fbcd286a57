"""The reader for CUDA: compiled layers over flex_attention with a block mask.

Shapes are rounded up to a few sizes, so that nothing is compiled in steady state. A forward is
started without waiting for the one before, and its answers come through pinned memory.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention.flex_attention import BlockMask, FlexKernelOptions

from classifier.blocks import Blocks, blocks_of_all, blocks_of_places
from classifier.layers import FP8_MAX, Layer, Linear, Shape, layer_of, linear_of
from classifier.lora import LoraLinear
from classifier.nf4 import nf4_weight
from classifier.pack import Pack
from classifier.reader import TOKEN_BUDGET, Answers, Mode, look_up, new_store
from classifier.store import PADDING, PAGE, PREFIX, SCRAP

Array = NDArray[Any]
Part = TypeVar("Part", bound=Callable[..., Any])

# Shared memory of a block, in bytes, under which attention takes smaller tiles (an RTX 4090's).
_SMALL = 110_000
_SMALL_TILES: FlexKernelOptions = {"BLOCK_M": 64, "BLOCK_N": 64, "num_stages": 2, "num_warps": 4}
_COMPILED_SHAPES = 64
# Forwards of up to so many tokens are recorded as CUDA graphs.
_GRAPHED = 512


class Frame:
    """The inputs of a forward of one size, at fixed places in the device's memory.

    Args:
        size: tokens, a multiple of ``PAGE``.
        pages: of the store.
        tables: ticket, order and stop of the store's rows, (3, rows) int32.
    """

    def __init__(self, size: int, pages: int, tables: torch.Tensor) -> None:
        self.size = size
        self.blocks = size // PAGE
        parts = {
            "ids": size,
            "positions": size,
            "rows": size,
            "tickets": size,
            "order": size,
            "partial": self.blocks,
            "partial_pages": self.blocks * pages,
            "full": self.blocks,
            "full_pages": self.blocks * pages,
            "places": size,
        }
        self.flat = torch.zeros(sum(parts.values()), dtype=torch.int32, device=tables.device)
        views = dict(zip(parts, torch.split(self.flat, list(parts.values())), strict=True))
        self.ids, self.positions, self.rows = (views[n] for n in ("ids", "positions", "rows"))
        self.places = views["places"]
        tickets, order = views["tickets"], views["order"]
        row_tickets, row_order, row_stops = tables

        def sees(
            batch: torch.Tensor, head: torch.Tensor, query: torch.Tensor, row: torch.Tensor
        ) -> torch.Tensor:
            ticket, at = row_tickets[row], order[query]
            near = (ticket == PREFIX) | (ticket == tickets[query])
            visible: torch.Tensor = near & (row_order[row] <= at) & (at < row_stops[row])
            return visible

        self.mask = BlockMask.from_kv_blocks(
            views["partial"].view(1, 1, -1),
            views["partial_pages"].view(1, 1, -1, pages),
            views["full"].view(1, 1, -1),
            views["full_pages"].view(1, 1, -1, pages),
            BLOCK_SIZE=PAGE,
            mask_mod=sees,
            seq_lengths=(size, pages * PAGE),
        )

    def contents(self, pack: Pack, chosen: Any, blocks: Blocks) -> Array:
        """Return what ``flat`` holds for the chosen tokens of a pack."""
        columns = (
            (pack.ids, 0),
            (pack.positions, 0),
            (pack.rows, SCRAP),
            (pack.tickets, PADDING),
            (pack.order, 0),
        )
        padded = [_padded(values[chosen], self.size, filling) for values, filling in columns]
        places = _padded(np.arange(len(pack.ids))[chosen], self.size, 0)
        return np.concatenate([*padded, *(table.ravel() for table in blocks), places])


class FlexReader:
    """Reads packs through compiled layers.

    Args:
        model: of transformers, with ``LoraLinear`` layers.
        mode: how weights are kept for the products.
        token_budget: tokens of the largest forward in steady state.
        compiled: whether to compile; without, only for tests of small models.
    """

    ahead = 1

    def __init__(
        self,
        model: Any,
        mode: Mode = "nf4",
        token_budget: int = TOKEN_BUDGET,
        *,
        compiled: bool = True,
    ) -> None:
        self.model = model
        self.token_budget = token_budget
        self.mode = mode
        self.device = model.device
        config = model.config
        # Two forwards, the prefix, and the labels of the tickets whose searches go on.
        pages = 2 * (token_budget // PAGE) + 16 + max(32, token_budget // (2 * PAGE))
        self.store = new_store(model, pages)
        self._sizes = [3 * PAGE, *_sizes(token_budget, 2)]  # 3: a ticket alone with its labels
        self._sizes.sort()
        self._sizes_asked = _sizes(token_budget, 4)
        self._shape = Shape(
            config.num_attention_heads,
            config.num_key_value_heads,
            self.store.keys.shape[-1],
            config.rms_norm_eps,
            _tiles(self.device),
        )
        self._compiled = compiled
        self._whole = self._made(self._shape.whole)
        self._store = self._made(self._shape.store)
        self._some = self._made(self._shape.some)
        self._frames: dict[tuple[int, bool], Frame] = {}
        self._graphs: dict[tuple[int, int], tuple[torch.cuda.CUDAGraph, torch.Tensor]] = {}
        self._tables = torch.zeros((3, 0), dtype=torch.int32, device=self.device)
        self._layers: list[Layer] = []
        self._staged = _Staged(self.device)
        if compiled:
            torch._dynamo.config.recompile_limit = max(
                torch._dynamo.config.recompile_limit, _COMPILED_SHAPES
            )
        self.adapted()

    def _made(self, part: Part) -> Part:
        if not self._compiled:
            return part
        made: Part = torch.compile(part, dynamic=False)  # type: ignore[assignment]
        return made

    @torch.inference_mode()
    def adapted(self) -> None:
        """Take the layers' weights with the adapter that they have now."""
        convert = {"bf16": _merged, "fp8": _rounded_to_fp8}.get(self.mode, linear_of)
        self._tables.fill_(PADDING)  # no row is anyone's any more
        self._graphs.clear()  # they hold the weights of before
        self._layers = []  # what was merged goes before more is
        self._layers = [layer_of(module, convert) for module in self.model.model.layers]

    @torch.inference_mode()
    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Store a pack's keys and values, (layers, t, key-value heads, size)."""
        self._note(*self._staged.send(*_told(pack)))
        rows = torch.from_numpy(pack.rows).to(self.device)
        self.store.keys[:, rows], self.store.values[:, rows] = keys, values

    @torch.inference_mode()
    def start(self, pack: Pack) -> Answers:
        """Start to read a pack; the function returned waits for its answers."""
        self._fit_store()
        all_of_it = self.frame(len(pack.ids))
        asked = self.frame(max(1, len(pack.places)), asked=True)
        *told, contents, asked_contents, which, tokens = self._staged.send(
            *_told(pack),
            all_of_it.contents(pack, slice(None), blocks_of_all(pack, all_of_it.blocks)),
            asked.contents(pack, pack.places, blocks_of_places(pack, asked.blocks)),
            *pack.questions,
        )
        self._note(*told)
        all_of_it.flat.copy_(contents)
        asked.flat.copy_(asked_contents)
        hidden = self._replay(all_of_it, asked)
        if not pack.asked:
            return list
        return _coming(look_up(pack, hidden, self._head, which, tokens))

    def _replay(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Do as ``_read``; small forwards from a CUDA graph, for they wait for the CPU else."""
        if not self._compiled or max(frame.size, asked.size) > _GRAPHED:
            return self._read(frame, asked)
        key = frame.size, asked.size
        if key not in self._graphs:
            hidden = self._read(frame, asked)  # compiles
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._graphs[key] = graph, self._read(frame, asked)
            return hidden
        graph, hidden = self._graphs[key]
        graph.replay()
        return hidden

    def _read(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Run the layers; return the (s, hidden) of the places asked after."""
        model = self.model.model
        keys, values, rows = self.store.keys, self.store.values, frame.rows.long()
        rope = self._rope(frame.positions)
        hidden = model.embed_tokens(frame.ids)
        *layers, last = self._layers
        for number, layer in enumerate(layers):
            hidden = self._whole(
                hidden, layer, rope, keys[number], values[number], rows, frame.mask
            )
        self._store(hidden, last, rope, keys[-1], values[-1], rows)
        rope = self._rope(asked.positions)
        return self._some(
            hidden[asked.places], last, rope, keys[-1], values[-1], asked.mask, model.norm.weight
        )

    def _head(self, hidden: torch.Tensor) -> torch.Tensor:
        weight: torch.Tensor = self.model.lm_head.weight.t()
        if self.device.type == "cuda":
            return torch.mm(hidden, weight, out_dtype=torch.float32)
        return hidden.float() @ weight.float()

    def _rope(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        wide = torch.empty(0, dtype=torch.float32, device=self.device)
        cos, sin = self.model.model.rotary_emb(wide, positions[None])
        return cos[0], sin[0]

    def frame(self, tokens: int, *, asked: bool = False) -> Frame:
        """Return the smallest frame that holds so many tokens; those asked after have their own."""
        sizes = self._sizes_asked if asked else self._sizes
        size = next((size for size in sizes if size >= tokens), _multiple(tokens))
        if (size, asked) not in self._frames:
            self._frames[size, asked] = Frame(size, self.store.rows // PAGE, self._tables)
        return self._frames[size, asked]

    def _fit_store(self) -> None:
        """Make the tables of the rows as long as the store."""
        missing = self.store.rows - self._tables.shape[1]
        if missing:
            new = torch.full((3, missing), PADDING, dtype=torch.int32, device=self.device)
            self._tables = torch.cat((self._tables, new), dim=1)
            self._frames.clear()
            self._graphs.clear()

    def _note(self, rows: torch.Tensor, *told: torch.Tensor) -> None:
        self._fit_store()
        self._tables.index_copy_(1, rows.long(), torch.stack(told))


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
    return np.pad(values, (0, size - len(values)), constant_values=filling)


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
            self._sent = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._sent.record()
        return torch.split(sent, lengths)


def _sizes(token_budget: int, factor: int) -> list[int]:
    """Return the sizes of frames: growing by a factor up to the budget."""
    sizes = [PAGE]
    while sizes[-1] < token_budget:
        sizes.append(min(factor * sizes[-1], _multiple(token_budget)))
    return sizes


def _multiple(tokens: int) -> int:
    return -(-tokens // PAGE) * PAGE


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


def _rounded_to_fp8(layer: LoraLinear) -> Linear:
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


def _coming(found: torch.Tensor) -> Answers:
    """Return a function that waits for values on the device."""
    if found.device.type != "cuda":
        return found.tolist
    there = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
    there.copy_(found, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()

    def answers() -> list[float]:
        event.synchronize()
        values: list[float] = there.tolist()
        return values

    return answers
