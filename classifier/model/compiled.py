"""The runner for CUDA: compiled decoder layers, with flex_attention over the KV cache.

Three functions are compiled, once each: the number of tokens is a dynamic size. A size is given as
a count of 128-token blocks, so that the attention kernel knows it is divisible by 128. A forward is
started without waiting for the one before; its answers come back through pinned memory.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from classifier.model.blocks import blocks_of_all, blocks_of_places
from classifier.model.conversion import CONVERSIONS
from classifier.model.cuda_graphs import CudaGraphs, frame_sizes
from classifier.model.decoder import DecoderLayer
from classifier.model.frame import Frame
from classifier.model.kv_cache import PAGE, new_cache
from classifier.model.layer_weights import LayerWeights, layer_weights
from classifier.model.logits import look_up, with_head
from classifier.model.memory import LEAST_CACHED
from classifier.model.mode import Mode
from classifier.model.pack import Pack
from classifier.model.rotary import RotaryEmbedding
from classifier.model.row_tables import RowTables
from classifier.model.runner import TOKEN_BUDGET, Answer, Answers, HeadLogits
from classifier.model.staging import Staging, record_event

# For three functions a pool of processes would cost more than it saves; in some sandboxes it hangs.
torch._inductor.config.compile_threads = 1

Function = TypeVar("Function", bound=Callable[..., Any])


class CompiledRunner:
    """Runs packs through compiled layers.

    Args:
        model: of transformers, with ``LoraLinear`` layers.
        mode: how weights are kept for the products.
        token_budget: tokens of a forward at most; only the prefix or a lone ticket may have more.
        cached: tokens whose keys and values are cached beside the prefix; by default
            ``LEAST_CACHED`` times ``token_budget``.
        compiled: whether to compile; without, only for tests of small models.
    """

    ahead = 1

    def __init__(
        self,
        model: Any,
        mode: Mode = "nf4",
        token_budget: int = TOKEN_BUDGET,
        cached: int | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        self.model = model
        self.token_budget = token_budget
        self.mode = mode
        self.busy = 0.0
        self.head: HeadLogits | None = None
        self.device = model.device
        # 16 pages more: for the prefix, and for labels where the budget is small.
        pages = 16 + max(32, (cached or int(LEAST_CACHED * token_budget)) // PAGE)
        self.cache = new_cache(model, pages, steady=True)  # layers are compiled for its size
        self.tables = RowTables(self.device)
        self._compiled = compiled
        layer = DecoderLayer.of(model.config, self.device)
        self._forward_layer = self._compile(layer.forward)
        self._cache_keys_values = self._compile(layer.cache_keys_values)
        self._forward_asked = self._compile(layer.forward_asked)
        self._rotary = RotaryEmbedding(model.config, self.device)
        self._graphs = CudaGraphs()
        self._staging = Staging(self.device)
        self._layers: list[LayerWeights] = []
        self.adapted()

    def _compile(self, function: Function) -> Function:
        if not self._compiled:
            return function
        made: Function = torch.compile(function)  # type: ignore[assignment]
        return made

    @torch.inference_mode()
    def adapted(self) -> None:
        """Convert the layers' weights with the adapter that they have now."""
        self.tables.clear()
        self._graphs.clear()
        self._layers = []  # converted weights go before new ones are made
        convert = CONVERSIONS[self.mode]
        self._layers = [layer_weights(module, convert) for module in self.model.model.layers]

    @torch.inference_mode()
    def restore(self, pack: Pack, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Cache a pack's keys and values, (layers, t, key-value heads, head size)."""
        self._enter(*self._staging.send(*RowTables.entries(pack)))
        rows = torch.from_numpy(pack.rows).to(self.device)
        self.cache.keys[:, rows], self.cache.values[:, rows] = keys, values

    @torch.inference_mode()
    def start(self, pack: Pack) -> Answers:
        """Start to run a pack; the function returned waits for its answers."""
        sizes = frame_sizes(len(pack.ids), len(pack.places))
        counts = [size // PAGE for size in sizes]
        *entries, contents, asked_contents, which, tokens = self._staging.send(
            *RowTables.entries(pack),
            Frame.contents(pack, slice(None), sizes[0], blocks_of_all(pack, counts[0])),
            Frame.contents(pack, pack.places, sizes[1], blocks_of_places(pack, counts[1])),
            *pack.questions,
        )
        began = record_event() if self.device.type == "cuda" else None
        self._enter(*entries)
        frame = Frame(contents, sizes[0], self.tables)
        asked = Frame(asked_contents, sizes[1], self.tables)
        hidden = self._run(frame, asked)
        if not len(pack.places):
            return lambda: Answer.of(torch.empty(0), 0, 0)
        found = look_up(pack, hidden, self._lm_head, which, tokens)
        found = with_head(pack, found, hidden, self.head)
        return self._coming(began, found, len(which), len(pack.by_head))

    def _enter(self, rows: torch.Tensor, *entries: torch.Tensor) -> None:
        """Write the pack's rows into the tables."""
        if self.tables.grow(self.cache.rows):
            self._graphs.clear()
        self.tables.write(rows, entries)

    def _run(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Do as ``_forward``; small forwards come from CUDA graphs."""
        if not self._compiled:
            return self._forward(frame, asked)
        return self._graphs.run(self._forward, frame, asked)

    def _forward(self, frame: Frame, asked: Frame) -> torch.Tensor:
        """Run the layers; return the (s, hidden) of the places asked after."""
        model = self.model.model
        keys, values = self.cache.keys, self.cache.values
        hidden, rope = model.embed_tokens(frame.ids), self._rotary.at(frame.positions)
        torch._dynamo.maybe_mark_dynamic(hidden, 0)
        *layers, last = self._layers
        for number, layer in enumerate(layers):
            hidden = self._forward_layer(
                hidden, layer, rope, keys[number], values[number], frame.rows, frame.visible
            )
        self._cache_keys_values(hidden, last, rope, keys[-1], values[-1], frame.rows)
        some = hidden.flatten(0, 1)[asked.places]
        torch._dynamo.maybe_mark_dynamic(some, 0)
        rope = self._rotary.at(asked.positions)
        return self._forward_asked(
            some, last, rope, keys[-1], values[-1], asked.visible, model.norm.weight
        )

    def _lm_head(self, hidden: torch.Tensor) -> torch.Tensor:
        weight: torch.Tensor = self.model.lm_head.weight.t()
        if self.device.type == "cuda":
            return torch.mm(hidden, weight, out_dtype=torch.float32)
        return hidden.float() @ weight.float()

    def _coming(
        self, began: torch.cuda.Event | None, found: torch.Tensor, questions: int, places: int
    ) -> Answers:
        """Return a function that waits for the values and adds the device's time to ``busy``."""
        if began is None:
            return lambda: Answer.of(found, questions, places)
        there = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
        there.copy_(found, non_blocking=True)
        ended = record_event()

        def answers() -> Answer:
            ended.synchronize()
            self.busy += began.elapsed_time(ended) / 1000
            return Answer.of(there, questions, places)

        return answers
