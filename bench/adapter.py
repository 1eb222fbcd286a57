r"""Train an adapter on a random base until its answers are sharp, for ``bench.inference``.

    python -m bench.adapter --base DIRECTORY --tickets FILE.jsonl --units FILE.json \
        --out DIRECTORY [--count 1024] [--seconds 60] [--modes nf4,fp8]

With a random adapter labels are a coin toss and the search reads most of them, which no trained
model costs. Here each ticket gets a unit that its text's hash draws, and the adapter learns them by
heart, at the tickets' own lengths and cut to 120 tokens: nothing is learned that could be used.
Only the last layer is trained. What it reads comes from the base as it is, is computed once, and
differs from ticket to ticket: random layers drive small differences apart. For the same reason it
differs from one way of computing to the next, so it is learned with noise on it, and as each of the
engine's modes computes it. The other layers' adapters are written too, with a B of zeros, for they
cost the same. A table, then one line of JSON.
"""

import argparse
import copy
import hashlib
import json
import math
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from peft import LoraConfig
from rich.console import Console
from rich.table import Table
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention, silu
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from bench.inference import CUT, RANK, Figures, gib, read_texts, read_units
from classifier.labels.prompt import Prompt
from classifier.labels.template import PromptUnit, load_template
from classifier.labels.trie import LabelTrie
from classifier.model.adapter_file import WEIGHTS
from classifier.model.bases.base import Base, examine
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.conversion import fp8_weights
from classifier.model.device import compute_dtype, pick_device
from classifier.model.linear_weights import product
from classifier.model.lora import LayerAdapter, LoraLinear, lora_layers, replace_linears
from classifier.model.mode import Mode
from classifier.model.quantization import nf4_config

ROWS = 64
"""Tickets of a step."""
SHARP = 0.01
"""Nats of loss per ticket, in the mean over a round, at which training ends."""
WARM_UP = 20
"""Steps in which the rate rises."""
NONE = -100
Parameters = dict[str, tuple[torch.Tensor, torch.Tensor]]
"""Of each layer by its path: A (rank, in) and B (out, rank), float32."""


@dataclass
class Batch:
    """n tickets of like lengths, padded on the left to t tokens, their labels behind them.

    Attributes:
        prefix: (1, prefix, hidden), what the last layer reads of the instruction.
        states: (n, t, hidden), what it reads of the tickets.
        positions: (n, t) of the tokens.
        visible: (n, 1, w, prefix + t) bool, what the last w tokens see.
        wanted: (n, w) what they answer, ``NONE`` behind a label's end.
        cut: (n,) bool, whether the ticket was cut to ``CUT`` tokens.
    """

    prefix: torch.Tensor
    states: torch.Tensor
    positions: torch.Tensor
    visible: torch.Tensor
    wanted: torch.Tensor
    cut: torch.Tensor


def main() -> None:
    """Train an adapter and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a model's directory")
    parser.add_argument("--tickets", type=Path, required=True, help=".jsonl")
    parser.add_argument("--units", type=Path, required=True, help="a JSON list of names")
    parser.add_argument("--out", type=Path, required=True, help="the adapter's directory")
    parser.add_argument("--count", type=int, default=1024, help="tickets to learn")
    parser.add_argument("--template", default="dispatch")
    parser.add_argument("--modes", default="nf4,fp8", help="to learn in, of nf4 and fp8")
    parser.add_argument("--steps", type=int, default=4000, help="at most")
    parser.add_argument("--seconds", type=float, default=60, help="of training at most")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--noise", type=float, default=0.7, help="a share of what is read")
    options = parser.parse_args()
    units = read_units(options.units)
    base = examine(options.base, options.base.name)
    prompt = Prompt(load_tokenizer(base), load_template(options.template), units)
    texts = read_texts(options.tickets, options.count)
    torch.manual_seed(0)
    last = LastLayer(load_model(base), prompt)
    began = time.perf_counter()
    tickets, codes = prompt.tickets(texts), [drawn(text, units) for text in texts]
    read = {mode: last.batches(tickets, codes, mode) for mode in options.modes.split(",")}
    batches = [batch for some in read.values() for batch in some]
    print(f"{len(batches)} batches were read in {time.perf_counter() - began:.0f} s", flush=True)
    wishes = {name: getattr(options, name) for name in ("steps", "seconds", "lr", "noise")}
    parameters, figures = train(last, batches, **wishes)
    write(options.out, last.model, parameters)
    for mode, some in read.items():
        for name, cut in (("own", False), ("cut", True)):
            figures[f"{mode} {name}"] = check(last, some, cut=cut)
    figures["peak_gib"] = gib(torch.cuda.max_memory_allocated)
    table = Table("", "", title=str(options.out))
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    print(json.dumps(figures))


def load_model(base: Base) -> Any:
    """Return transformers' model of a base in NF4, with ``LoraLinear`` layers."""
    device = pick_device()
    dtype = compute_dtype(device)
    model = AutoModelForCausalLM.from_pretrained(
        str(base.path),
        dtype=dtype,
        device_map={"": device},
        quantization_config=nf4_config(dtype),
        attn_implementation="sdpa",
    )
    model.eval().requires_grad_(requires_grad=False)
    replace_linears(model.model, dtype)
    return model


def drawn(text: str, units: Sequence[PromptUnit]) -> str:
    """Return the code of the unit that a text's hash draws."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return units[number % len(units)].code


class LastLayer:
    """The last layer, to be trained, over the others as they are.

    Args:
        model: of ``load_model``.
        prompt: of the units.
    """

    def __init__(self, model: Any, prompt: Prompt) -> None:
        self.model = model
        self.prompt = prompt
        self.layer = model.model.layers[-1]
        self.linears = {
            name: linear
            for name, linear in lora_layers(model)
            if linear in set(self.layer.modules())
        }
        for linear in self.linears.values():  # dequantised once
            linear.weight = nn.Parameter(linear.full_weight(), requires_grad=False)
        self._positions = torch.arange(len(prompt.prefix), device=model.device)[None]

    def batches(
        self, tickets: Sequence[Sequence[int]], codes: Sequence[str], mode: Mode = "nf4"
    ) -> list[Batch]:
        """Return tickets, at their own lengths and cut, with what the last layer reads.

        In mode fp8 the layers below are rounded, and stay so.
        """
        if mode == "fp8":
            for name, linear in lora_layers(self.model):
                if name not in self.linears:
                    _round(linear)
        before = DynamicCache()
        ids = torch.tensor([self.prompt.prefix], device=self.model.device)
        prefix = self._read(before, input_ids=ids, position_ids=self._positions)
        samples = {(tuple(ids), code) for ids, code in zip(tickets, codes, strict=True)}
        samples |= {(ids[:CUT], code) for ids, code in samples}
        rows = sorted(samples, key=lambda sample: (len(sample[0]), sample))
        trie = LabelTrie(self.prompt.labels, self.prompt.tokenizer.eos_token_id)
        paths = [trie.path(code) for _, code in rows]
        return [
            self._batch(
                [ids for ids, _ in rows[at : at + ROWS]], paths[at : at + ROWS], before, prefix
            )
            for at in range(0, len(rows), ROWS)
        ]

    def _batch(
        self,
        tickets: Sequence[Sequence[int]],
        paths: Sequence[Sequence[int]],
        known: DynamicCache,
        prefix: torch.Tensor,
    ) -> Batch:
        width, first = max(map(len, paths)), len(self.prompt.prefix)
        longest = max(map(len, tickets)) + len(self.prompt.suffix)
        empty = torch.tensor([longest - len(self.prompt.suffix) - len(ids) for ids in tickets])
        ids = [
            [*[0] * padding, *ticket, *self.prompt.suffix, *path[:-1], *[0] * (width - len(path))]
            for padding, ticket, path in zip(empty.tolist(), tickets, paths, strict=True)
        ]
        places = torch.arange(longest + width - 1)
        told = places >= empty[:, None]
        told = torch.cat((told.new_ones(len(ids), first), told), dim=1).to(self.model.device)
        positions = (first + places - empty[:, None]).clamp(min=first).to(self.model.device)
        cache = copy.deepcopy(known)
        cache.batch_repeat_interleave(len(ids))
        states = self._read(
            cache,
            input_ids=torch.tensor(ids, device=self.model.device),
            position_ids=positions,
            attention_mask=told.long(),
        )
        before = torch.arange(told.shape[1], device=self.model.device)
        return Batch(
            prefix,
            states,
            positions,
            told[:, None, None] & (before <= before[-width:, None]),
            torch.tensor([[*path, *[NONE] * (width - len(path))] for path in paths]).to(
                told.device
            ),
            torch.tensor([len(ticket) == CUT for ticket in tickets], device=told.device),
        )

    @torch.no_grad()
    def _read(self, cache: DynamicCache, **inputs: torch.Tensor) -> torch.Tensor:
        """Return what the last layer reads; keys and values of all go to ``cache``."""
        read: list[torch.Tensor] = []
        hook = self.layer.register_forward_pre_hook(lambda _, given: read.append(given[0]))
        self.model.model(**inputs, past_key_values=cache, use_cache=True)
        hook.remove()
        return read[0]

    def losses(self, batch: Batch, noise: float = 0.0) -> torch.Tensor:
        """Return the (n, w) negative log-probabilities of what is wanted, 0 where nothing is.

        Args:
            batch: n tickets, w places.
            noise: on what the layer reads, as a share of it; each ticket gets up to so much.
        """
        states, attention, width = batch.states, self.layer.self_attn, batch.wanted.shape[1]
        if noise:
            size = states.float().pow(2).mean(-1, keepdim=True).sqrt()
            size *= noise * torch.rand(len(states), 1, 1, device=states.device)
            states = states + size.to(states.dtype) * torch.randn_like(states)
        x = self.layer.input_layernorm(states)
        known = self._keys_values(self.layer.input_layernorm(batch.prefix), self._positions)
        own = self._keys_values(x, batch.positions)
        query = self._rotated(attention.q_proj(x[:, -width:]), batch.positions[:, -width:])
        key, value = (
            torch.cat((before.expand(len(x), -1, -1, -1), after), dim=2).repeat_interleave(
                query.shape[1] // after.shape[1], dim=1
            )
            for before, after in zip(known, own, strict=True)
        )
        found = scaled_dot_product_attention(query, key, value, attn_mask=batch.visible)
        states = states[:, -width:] + attention.o_proj(found.transpose(1, 2).flatten(2))
        asked = batch.wanted != NONE
        states, mlp = states[asked], self.layer.mlp
        x = self.layer.post_attention_layernorm(states)
        states = states + mlp.down_proj(silu(mlp.gate_proj(x)) * mlp.up_proj(x))
        logits = self.model.lm_head(self.model.model.norm(states)).float()
        losses = cross_entropy(logits, batch.wanted[asked], reduction="none")
        return torch.zeros(asked.shape, device=losses.device).masked_scatter(asked, losses)

    def _keys_values(self, x: torch.Tensor, positions: torch.Tensor) -> Sequence[torch.Tensor]:
        attention = self.layer.self_attn
        return self._rotated(attention.k_proj(x), positions), self._heads(attention.v_proj(x))

    def _rotated(self, x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        cos, sin = self.model.model.rotary_emb(x, positions)
        rotated: torch.Tensor = apply_rotary_pos_emb(self._heads(x), self._heads(x), cos, sin)[0]
        return rotated

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, heads, t, size) of (n, t, heads x size)."""
        return x.view(*x.shape[:2], -1, self.layer.self_attn.head_dim).transpose(1, 2)

    def activate(self, parameters: Parameters) -> None:
        """Compute with parameters, in the dtype of the computation."""
        for name, linear in self.linears.items():
            a, b = (one.to(linear.dtype) for one in parameters[name])
            linear.adapter = LayerAdapter(a, b, 1.0)


@torch.no_grad()
def _round(linear: LoraLinear) -> None:
    """Let a layer compute as the engine does in mode fp8."""
    rounded = fp8_weights(linear)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return product(x.flatten(0, -2), rounded).view(*x.shape[:-1], -1)

    linear.forward = forward  # type: ignore[method-assign]


def train(
    last: LastLayer,
    batches: Sequence[Batch],
    *,
    steps: int,
    seconds: float,
    lr: float,
    noise: float,
) -> tuple[Parameters, Figures]:
    """Learn the batches by heart; return the parameters and how it went.

    It ends when the mean loss of a round is under ``SHARP``. When a loss is more than twice the
    first one, or no number, it starts again at half the rate.

    Args:
        last: the layer.
        batches: what to learn.
        steps: at most.
        seconds: at most.
        lr: the highest learning rate of B.
        noise: see ``LastLayer.losses``.
    """
    began = time.perf_counter()
    parameters, optimiser = _start(last, lr)
    recent: deque[float] = deque(maxlen=len(batches))
    step, first, order = 0, math.inf, list(batches)
    shuffled = Random(0)
    while step < steps and (passed := time.perf_counter() - began) < seconds:
        if step % len(batches) == 0:
            shuffled.shuffle(order)
        done = max(step / steps, passed / seconds)
        left = statistics.mean(recent) if recent else 1.0
        rate = min(1, (step + 1) / WARM_UP) * max(0.05, 1 - done) * min(1, math.sqrt(left))
        for group in optimiser.param_groups:
            group["lr"] = group["highest"] * rate
        last.activate(parameters)
        loss = last.losses(order[step % len(batches)], noise).sum(1).mean()
        recent.append(loss.item())
        first = recent[0] if step == 0 else first
        if not recent[-1] <= 2 * first:
            lr /= 2
            print(f"step {step}: loss {recent[-1]:.3g}, again with a rate of {lr:.2g}")
            parameters, optimiser = _start(last, lr)
            recent.clear()
            step = 0
            continue
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_([one for pair in parameters.values() for one in pair], 1.0)
        optimiser.step()
        step += 1
        mean = statistics.mean(recent)
        if step % 20 == 0:
            print(f"step {step}: loss {mean:.4f} a ticket, {passed:.0f} s", flush=True)
        if step % len(batches) == 0 and mean < SHARP:
            break
    last.activate(parameters)
    took = round(time.perf_counter() - began, 1)
    loss_left = round(statistics.mean(recent), 4)
    return parameters, {"steps": step, "seconds": took, "lr": lr, "loss": loss_left}


def _start(last: LastLayer, lr: float) -> tuple[Parameters, torch.optim.Optimizer]:
    """Return parameters to train, and Adam with a rate for A that is smaller by its width.

    A step moves all entries of A alike, so what A makes of an input moves by the rate times the
    input's width; B only sums up ranks (Hayou et al., "LoRA+", 2024).
    """
    parameters = {name: fresh(linear) for name, linear in last.linears.items()}
    groups: list[dict[str, Any]] = []
    for a, b in parameters.values():
        groups.append({"params": [a.requires_grad_()], "highest": lr * min(1, RANK / a.shape[1])})
        groups.append({"params": [b.requires_grad_()], "highest": lr})
    return parameters, torch.optim.Adam(groups, lr=lr, betas=(0.9, 0.99))


@torch.no_grad()
def check(last: LastLayer, batches: Sequence[Batch], *, cut: bool) -> Figures:
    """Return the quartiles of the true labels' probabilities, and the share of those over 0.5."""
    logs = [last.losses(batch).sum(1).neg()[batch.cut == cut] for batch in batches]
    found = torch.cat(logs).exp().sort().values.tolist()
    return {
        "tickets": len(found),
        "right": round(sum(value > 0.5 for value in found) / max(1, len(found)), 4),
        "quartiles": [round(found[len(found) * q // 4], 4) for q in (1, 2, 3) if found],
    }


def write(directory: Path, model: Any, parameters: Parameters) -> None:
    """Write an adapter of all layers as peft does; those not trained get a B of zeros."""
    tensors = {}
    for name, linear in lora_layers(model):
        for part, one in zip("AB", parameters.get(name) or fresh(linear), strict=True):
            key = f"base_model.model.{name}.lora_{part}.weight"
            tensors[key] = one.detach().to("cpu", linear.dtype)
    targets = sorted({name.rpartition(".")[2] for name, _ in lora_layers(model)})
    config = LoraConfig(
        r=RANK, lora_alpha=RANK, target_modules=targets, task_type="CAUSAL_LM", inference_mode=True
    )
    config.save_pretrained(str(directory))
    save_file(tensors, directory / WEIGHTS)


def fresh(linear: LoraLinear) -> tuple[torch.Tensor, torch.Tensor]:
    """Return A, drawn as peft does, and B, zero, in float32."""
    device = linear.weight.device
    a = torch.empty(RANK, linear.in_features, device=device)
    nn.init.kaiming_uniform_(a, a=math.sqrt(5))
    return a, torch.zeros(linear.out_features, RANK, device=device)


if __name__ == "__main__":
    main()
