"""The LLM: a 4-bit base with a LoRA adapter that scores unit names after the ticket.

The answer is always a unit's name: labels are scored under the full softmax and searched exactly
(``search``), never sampled.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from classifier.calibration import HOLD_ALL
from classifier.engine.engine import Engine
from classifier.engine.scheduler import Scheduler
from classifier.engine.thoughts import think
from classifier.interface import (
    PROBABILITY_DECIMALS,
    Batch,
    Decision,
    HeldBack,
    rows_by_allowed,
    unlearned,
)
from classifier.labels.prompt import Lengths, Prompt, Tokenizer
from classifier.labels.search import Search
from classifier.labels.template import PromptUnit, Template
from classifier.labels.trie import LabelTrie
from classifier.manifest import Calibration, Manifest, damaged, read_file, read_manifest
from classifier.model.backbone import empty_model, load_backbone
from classifier.model.base import BASES, Base, find_base, load_tokenizer
from classifier.model.lora import Adapter
from classifier.model.runner import Mode
from core.errors import ModelVersionError, PaidanError

logger = logging.getLogger(__name__)

SETUP = "llm.json"
FP8_AGREEMENT = "fp8_agreement"
"""A version's metric: the share of held-out tickets that get the same unit in fp8 as in nf4."""
LEAST_AGREEMENT = 0.99
"""A version under it is not served in fp8."""
MAX_UNDER_WAY = 12
"""Batches in the scheduler at most: if the process dies, the tickets of all of them run alone once.
A batch stays until its longest search ends, two forwards for each step; with too few of them the
forwards meanwhile are short ones, for which the device waits. Live ones, which are small and soon
done, are not counted: they would keep others out."""
THINKING_SECONDS = 5.0
"""For all batches' doubtful tickets: after a task's 15 s, well before its hard limit of 45 s."""


class Setup(BaseModel):
    """The contents of ``llm.json``: all that a version's answers depend on beside its adapter.

    Parameters:
        base: name of the base model, and ``base_sha256`` and ``tokenizer_sha256`` of its files.
        template: the prompt template's text.
        units: the units the prompt lists, in its order.
        max_seq_length: see ``prompt.Lengths``, likewise ``max_prefix_length``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str
    base_sha256: str
    tokenizer_sha256: str
    template: str
    units: tuple[PromptUnit, ...]
    max_seq_length: int
    max_prefix_length: int

    @classmethod
    def read(cls, directory: Path, manifest: Manifest) -> Self:
        """Read a version's set-up.

        Raises:
            ModelVersionError: it is missing, changed or malformed.
        """
        content = read_file(directory, manifest, SETUP)
        try:
            setup = cls.model_validate_json(content)
        except ValidationError as error:
            raise damaged(directory / SETUP, f"not a set-up ({error})") from error
        codes = sorted(unit.code for unit in setup.units)
        if codes != sorted(manifest.codes):
            raise damaged(directory / SETUP, "its units are not the manifest's")
        return setup

    def read_prompt(self, directory: Path, tokenizer: Tokenizer) -> Prompt:
        """Do as ``prompt`` for the version in a directory.

        Raises:
            ModelVersionError: the prompt leaves a ticket too little room.
        """
        try:
            return self.prompt(tokenizer)
        except PaidanError as error:
            raise damaged(directory / SETUP, str(error)) from error

    def prompt(self, tokenizer: Tokenizer) -> Prompt:
        """Return the prompt in the base's tokens.

        Raises:
            InputError: it leaves a ticket too little room.
        """
        return Prompt(
            tokenizer,
            Template.parse(self.template, SETUP),
            self.units,
            Lengths(self.max_seq_length, self.max_prefix_length),
        )


class LlmClassifier:
    """Answers with a base model and an adapter.

    Parameters:
        version: the version's name.
        engine: with its adapter and prompt.
        calibration: temperature of the labels' scores, threshold of their probabilities.
        mapping: learned unit code -> code of the unit that now stands for it. The probabilities
            of units that map to one are summed; a code that is not in it stands for itself.
        think_tokens: in a stream, a doubtful ticket is thought about, in so many tokens at most,
            and its units are scored once more; 0 for never. Live ones are not: somebody waits.
    """

    kind = "llm"

    def __init__(
        self,
        version: str,
        engine: Engine,
        calibration: Calibration,
        mapping: Mapping[str, str] | None = None,
        think_tokens: int = 0,
    ) -> None:
        self.version = version
        self.think_tokens = engine.prompt.thought_room(think_tokens)
        self.engine = engine
        self._temperature = calibration.temperature
        self._threshold = calibration.threshold
        self._trie = LabelTrie(engine.prompt.labels, engine.backbone.end)
        self._target = {code: (mapping or {}).get(code, code) for code in engine.prompt.labels}
        self.units = frozenset(self._target.values())

    @property
    def token_budget(self) -> int:
        """Tokens of one forward."""
        return self.engine.token_budget

    @classmethod
    def load(
        cls,
        directory: Path,
        mapping: Mapping[str, str] | None = None,
        mode: Mode = "nf4",
        gpu_memory: int | None = None,
        think_tokens: int = 0,
    ) -> Self:
        """Open a version; its base is loaded, or shared with a classifier that holds it.

        Bases added to Paidan are entered in the folder ``bases`` beside the version. For ``mode``
        see ``served_mode``, for ``gpu_memory`` ``load_backbone``, for ``think_tokens`` the class.

        Raises:
            ModelVersionError: the directory is damaged, or its base is unknown or another one.
            DeviceError: the GPU is gone or its memory too small.
        """
        manifest, setup, base = _described(directory)
        served = served_mode(manifest, mode)
        if served != mode:
            agreement = manifest.metrics.get(FP8_AGREEMENT)
            logger.warning("version %s is served in nf4: %s", manifest.name, _no_fp8(agreement))
        backbone = load_backbone(base, served, gpu_memory=gpu_memory)
        prompt = setup.read_prompt(directory, backbone.tokenizer)
        adapter = Adapter.load(directory, manifest, backbone.model)
        engine = Engine(backbone, adapter, prompt)
        return cls(manifest.name, engine, manifest.calibration, mapping, think_tokens)

    @staticmethod
    def check(directory: Path) -> None:
        """Raise what ``load`` would of a version, with no weight of its base and no GPU.

        Raises:
            ModelVersionError: see ``load``; whether the base's files are intact is seen there.
        """
        manifest, setup, base = _described(directory)
        prompt = setup.read_prompt(directory, load_tokenizer(base))
        LabelTrie(prompt.labels, prompt.tokenizer.eos_token_id)
        Adapter.load(directory, manifest, empty_model(base))

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text with one of its allowed units (see ``interface.Classifier``)."""
        [(_, decisions)] = self._stream([Batch(texts, allowed)], top_k, may_think=False)
        return decisions

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        """Answer batches as they come (see ``interface.ContinuousClassifier``)."""
        before, began = self._work_done(), time.perf_counter()
        try:
            may_think = self.think_tokens > 0 and self._threshold < HOLD_ALL
            yield from self._stream(batches, top_k, may_think=may_think)
        finally:
            seconds = time.perf_counter() - began
            done = {name: round(n - before[name], 3) for name, n in self._work_done().items()}
            logger.info("stream ended", extra=done | {"seconds": round(seconds, 3)})

    def _stream(
        self, batches: Iterable[Batch], top_k: int, *, may_think: bool
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        scheduler = self.engine.scheduler()
        coming: Iterator[Batch] | None = iter(batches)
        pending: list[PendingBatch] = []
        doubtful: list[PendingBatch] = []  # to be thought about when nothing else is read
        try:
            while coming is not None or pending or doubtful:
                while (
                    coming is not None
                    and scheduler.has_room
                    and _count((*pending, *doubtful)) < MAX_UNDER_WAY
                ):
                    batch = next(coming, None)
                    if batch is None:
                        coming = None
                    else:
                        pending.append(self._begun(scheduler, batch, top_k))
                    if not scheduler.is_busy:
                        break  # the device waits: nothing comes before the first forward
                finished = [] if scheduler.is_done else scheduler.step()
                for one in pending:
                    one.unfinished.difference_update(finished)
                answered = [one for one in pending if not one.unfinished]
                pending = [one for one in pending if one.unfinished]
                for one in answered:
                    if may_think:
                        one.doubtful = self._doubtful_rows(one, top_k)
                    if one.doubtful:
                        doubtful.append(one)
                    else:
                        yield one.batch, self._decisions(one, top_k)
                if doubtful and scheduler.is_done:
                    self._think(scheduler, doubtful, top_k)
                    yield from ((one.batch, self._decisions(one, top_k)) for one in doubtful)
                    doubtful = []
        finally:
            scheduler.close()

    def _doubtful_rows(self, one: "PendingBatch", top_k: int) -> list[int]:
        """Return the rows of a batch that are to be thought about."""
        return [
            row
            for row, search in one.searches.items()
            if not one.batch.is_live(row) and self._decide(search, top_k).held_back is not None
        ]

    def _think(self, scheduler: Scheduler, doubtful: Sequence["PendingBatch"], top_k: int) -> None:
        """Let the model think about the doubtful tickets of batches; score their units again."""
        rows = [(one, row) for one in doubtful for row in one.doubtful]
        prompt = self.engine.prompt
        tickets = prompt.to_think(
            prompt.tickets([one.batch.texts[row] for one, row in rows]), self.think_tokens
        )
        until = time.monotonic() + THINKING_SECONDS
        thoughts = think(self.engine, tickets, self.think_tokens, until)
        # Those whose turn did not come keep the answer they have.
        thought_about = [
            (one, row, ids, thought)
            for (one, row), ids, thought in zip(rows, tickets, thoughts, strict=True)
            if thought
        ]
        searches = self._join(
            scheduler,
            [ids for _, _, ids, _ in thought_about],
            [self._learned(one.batch.allowed[row]) for one, row, _, _ in thought_about],
            top_k,
            thoughts=[thought for *_, thought in thought_about],
        )
        while not scheduler.is_done:
            scheduler.step()
        for (one, row, _, _), search in zip(thought_about, searches, strict=True):
            one.searches[row] = search

    def _work_done(self) -> dict[str, float]:
        """What the engine did so far; ``busy`` is seconds of the device."""
        counts = self.engine.counts
        return {
            "tickets": counts.tickets,
            "tokens": counts.ticket_tokens,
            "label_nodes": counts.label_nodes,
            "forwards": counts.forwards,
            "thoughts": counts.thoughts,
            "thought_tokens": counts.thought_tokens,
            "busy": self.engine.backbone.runner.busy,
        }

    def _begun(self, scheduler: Scheduler, batch: Batch, top_k: int) -> "PendingBatch":
        """Let a batch join; a ticket whose allowed units were not learned needs no reading."""
        groups = rows_by_allowed(batch.texts, batch.allowed, top_k)
        learned = {units: self._learned(units) for units in groups}
        rows = [row for row, units in enumerate(batch.allowed) if learned[units]]
        codes = [learned[batch.allowed[row]] for row in rows]
        tickets = self.engine.prompt.tickets([batch.texts[row] for row in rows])
        live = [batch.is_live(row) for row in rows]
        searches = self._join(scheduler, tickets, codes, top_k, live=live)
        return PendingBatch(batch, dict(zip(rows, searches, strict=True)), set(searches))

    def _join(
        self,
        scheduler: Scheduler,
        tickets: Sequence[Sequence[int]],
        codes: Sequence[frozenset[str]],
        top_k: int,
        *,
        live: Sequence[bool] | None = None,
        thoughts: Sequence[Sequence[int]] | None = None,
    ) -> list[Search]:
        """Let tickets join a scheduler, to be answered with some of the learned units each."""
        requests = self.engine.requests(
            tickets,
            [self._trie.restricted(some) for some in codes],
            [self._wanted(some, top_k) for some in codes],
            self._temperature,
            live=live,
            thoughts=thoughts,
        )
        scheduler.add(requests)
        return [request.search for request in requests]

    def _decisions(self, one: "PendingBatch", top_k: int) -> list[Decision]:
        return [
            self._decide(one.searches[row], top_k)
            if row in one.searches
            else unlearned(units, top_k, self.version)
            for row, units in enumerate(one.batch.allowed)
        ]

    def _learned(self, allowed: frozenset[str]) -> frozenset[str]:
        return frozenset(code for code, target in self._target.items() if target in allowed)

    def _wanted(self, learned: frozenset[str], top_k: int) -> int | None:
        """How many labels to rank: all where two stand for one unit, whose sum may come first."""
        merged = len({self._target[code] for code in learned}) < len(learned)
        return None if merged else top_k

    def _decide(self, search: Search, top_k: int) -> Decision:
        sums: dict[str, float] = {}
        for code, probability in search.ranking():
            target = self._target[code]
            sums[target] = sums.get(target, 0.0) + probability
        rounded = {code: min(1.0, round(p, PROBABILITY_DECIMALS)) for code, p in sums.items()}
        top = tuple(sorted(rounded.items(), key=lambda item: (-item[1], item[0]))[:top_k])
        held_back: HeldBack | None = "doubtful" if top[0][1] < self._threshold else None
        return Decision(top[0][0], top[0][1], top, held_back, self.version)


def _described(directory: Path) -> tuple[Manifest, Setup, Base]:
    """Return a version's manifest, its set-up, and the base it was trained on."""
    manifest = read_manifest(directory)
    setup = Setup.read(directory, manifest)
    base = find_base(setup.base, directory.parent / BASES)
    for what, found, wanted in (
        ("weights", base.sha256, setup.base_sha256),
        ("tokenizer", base.tokenizer_sha256, setup.tokenizer_sha256),
    ):
        if found != wanted:
            raise ModelVersionError(
                f"model version {manifest.name} was trained on a base {setup.base} with other "
                f"{what} than the one here ({base.path}): add that base, or train again"
            )
    return manifest, setup, base


def served_mode(manifest: Manifest, mode: Mode) -> Mode:
    """Return the mode that a version is served in where ``mode`` is asked for.

    That is nf4 for fp8 where its answers are other ones too often, or were not compared.
    """
    agreement = manifest.metrics.get(FP8_AGREEMENT)
    agrees = isinstance(agreement, float) and agreement >= LEAST_AGREEMENT
    return "nf4" if mode == "fp8" and not agrees else mode


def _no_fp8(agreement: JsonValue) -> str:
    if not isinstance(agreement, float):
        return "its answers in fp8 were not compared: train on a GPU that has fp8"
    return (
        f"its answers in fp8 are those in nf4 for {agreement:.2%} of the held-out tickets, and "
        f"{LEAST_AGREEMENT:.2%} are asked for"
    )


@dataclass(slots=True)
class PendingBatch:
    """A batch in the scheduler.

    Parameters:
        batch: its texts and allowed units.
        searches: of its rows that are read.
        unfinished: those of them that go on.
        doubtful: rows that are to be thought about.
    """

    batch: Batch
    searches: dict[int, Search]
    unfinished: set[Search]
    doubtful: list[int] = field(default_factory=list)


def _count(pending: Sequence[PendingBatch]) -> int:
    """Return how many batches are not live as a whole."""
    return sum(not all(map(one.batch.is_live, range(len(one.batch.texts)))) for one in pending)
