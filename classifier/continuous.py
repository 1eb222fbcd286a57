"""Continuous batching: the next batches are admitted while earlier ones are worked on.

As in Orca (Yu et al., OSDI 2022), what comes joins between two forwards, and what is answered
leaves. Doubtful tickets wait until nothing else is read; then the model thinks about them together.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from classifier.answering import Answering
from classifier.calibration import Floats
from classifier.engine.engine import Engine
from classifier.engine.request import Question, Request
from classifier.engine.thoughts import think
from classifier.interface import Batch, Decision, rows_by_allowed, unlearned

MAX_PENDING = 12
"""Batches in the scheduler at most: if the process dies, the tickets of all of them run alone once.
A batch stays until its longest search ends, two forwards for each step. With too few of them the
forwards meanwhile are short ones, for which the device waits. Live batches, which are small and
soon done, are not counted: they would keep others out."""
THINKING_SECONDS = 5.0
"""For all batches' doubtful tickets: after a task's 15 s, well before its hard limit of 45 s."""


@dataclass(slots=True)
class PendingBatch:
    """A batch that was admitted and is not answered.

    Parameters:
        batch: its texts and allowed units.
        groups: each set of allowed units -> its rows.
        requests: row -> request; rows whose allowed units were not learned have none.
        unfinished: those of the requests that go on.
        added: (texts, rows) what is added to the head's scores; None until it is computed.
        doubtful: rows that are to be thought about.
    """

    batch: Batch
    groups: dict[frozenset[str], list[int]]
    requests: dict[int, Request]
    unfinished: set[Request]
    added: Floats | None = None
    doubtful: list[int] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether somebody waits for each of its texts."""
        return all(map(self.batch.is_live, range(len(self.batch.texts))))


class BatchLoop:
    """Answers batches as they come.

    Args:
        engine: its scheduler reads the tickets.
        answering: says what is asked of them, and makes decisions of it.
        batches: asked for the next one when there is room for it.
        top_k: how many units a decision names at most.
        think_tokens: of a thought about a doubtful ticket at most; 0 for no thoughts.
    """

    def __init__(
        self,
        engine: Engine,
        answering: Answering,
        batches: Iterable[Batch],
        top_k: int,
        think_tokens: int = 0,
    ) -> None:
        self._engine = engine
        self._answering = answering
        self._top_k = top_k
        self._think_tokens = think_tokens
        self._scheduler = engine.scheduler()
        self._coming: Iterator[Batch] | None = iter(batches)
        self._pending: list[PendingBatch] = []
        self._doubtful: list[PendingBatch] = []

    def run(self) -> Iterator[tuple[Batch, list[Decision]]]:
        """Yield each batch with its decisions, not always in the order of their coming.

        Raises:
            TaxonomyError: a text has no allowed unit.
            InputError: a ticket does not fit into the GPU's memory even alone.
        """
        try:
            while self._coming is not None or self._pending or self._doubtful:
                self._admit()
                self._step()
                yield from self._answer()
                yield from self._think()
        finally:
            self._scheduler.close()

    def _admit(self) -> None:
        """Let batches join, as long as there is room for them."""
        while self._coming is not None and self._has_room:
            batch = next(self._coming, None)
            if batch is None:
                self._coming = None
            else:
                self._pending.append(self._join(batch))
            if not self._scheduler.is_busy:
                break  # the device waits: nothing comes before the first forward

    @property
    def _has_room(self) -> bool:
        admitted = (*self._pending, *self._doubtful)
        return self._scheduler.has_room and sum(not one.is_live for one in admitted) < MAX_PENDING

    def _join(self, batch: Batch) -> PendingBatch:
        """Let a batch join; a ticket whose allowed units were not learned needs no reading."""
        groups = rows_by_allowed(batch.texts, batch.allowed, self._top_k)
        questions = {
            row: question
            for units, rows in groups.items()
            if (question := self._answering.question(units, self._top_k)) is not None
            for row in rows
        }
        requests = self._ask(
            self._engine.prompt.tickets([batch.texts[row] for row in questions]),
            list(questions.values()),
            live=[batch.is_live(row) for row in questions],
        )
        by_row = dict(zip(questions, requests, strict=True))
        return PendingBatch(batch, groups, by_row, set(requests))

    def _ask(
        self,
        tickets: Sequence[Sequence[int]],
        questions: Sequence[Question],
        *,
        live: Sequence[bool] | None = None,
        thoughts: Sequence[Sequence[int]] | None = None,
    ) -> list[Request]:
        """Begin to answer tickets."""
        requests = self._engine.requests(tickets, questions, live=live, thoughts=thoughts)
        self._scheduler.add(requests)
        return requests

    def _step(self) -> None:
        """Let the scheduler start a forward and take the answers of one before."""
        finished = [] if self._scheduler.is_done else self._scheduler.step()
        for one in self._pending:
            one.unfinished.difference_update(finished)
            if one.added is None:  # here, where the device reads
                one.added = self._answering.added(one.batch.texts)

    def _answer(self) -> Iterator[tuple[Batch, list[Decision]]]:
        """Yield the batches whose searches are finished, but those with doubtful tickets."""
        answered = [one for one in self._pending if not one.unfinished]
        self._pending = [one for one in self._pending if one.unfinished]
        for one in answered:
            decisions = self._decisions(one)
            if self._think_tokens:
                one.doubtful = self._doubtful_rows(one, decisions)
            if one.doubtful:
                self._doubtful.append(one)
            else:
                yield one.batch, decisions

    def _doubtful_rows(self, one: PendingBatch, decisions: Sequence[Decision]) -> list[int]:
        """Return the rows to think about: not live ones, for somebody waits."""
        return [
            row
            for row in one.requests
            if not one.batch.is_live(row) and decisions[row].held_back is not None
        ]

    def _think(self) -> Iterator[tuple[Batch, list[Decision]]]:
        """Once nothing else is read, yield the batches with doubtful tickets, thought about."""
        if not self._doubtful or not self._scheduler.is_done:
            return
        self._ask_again()
        for one in self._doubtful:
            yield one.batch, self._decisions(one)
        self._doubtful = []

    def _ask_again(self) -> None:
        """Let the model think about the doubtful tickets; ask each anew behind its thought."""
        rows = [(one, row) for one in self._doubtful for row in one.doubtful]
        prompt = self._engine.prompt
        tickets = prompt.to_think(
            prompt.tickets([one.batch.texts[row] for one, row in rows]), self._think_tokens
        )
        until = time.monotonic() + THINKING_SECONDS
        thoughts = think(self._engine, tickets, self._think_tokens, until)
        # Those whose turn did not come keep the answer they have.
        thought_about = [
            (one, row, ids, thought)
            for (one, row), ids, thought in zip(rows, tickets, thoughts, strict=True)
            if thought
        ]
        requests = self._ask(
            [ids for _, _, ids, _ in thought_about],
            [one.requests[row].question for one, row, _, _ in thought_about],
            thoughts=[thought for *_, thought in thought_about],
        )
        while not self._scheduler.is_done:
            self._scheduler.step()
        for (one, row, _, _), request in zip(thought_about, requests, strict=True):
            one.requests[row] = request

    def _decisions(self, one: PendingBatch) -> list[Decision]:
        decisions: dict[int, Decision] = {}
        assert one.added is not None  # each batch was in a step
        for units, rows in one.groups.items():
            requests = [one.requests[row] for row in rows if row in one.requests]
            if requests:
                found = self._answering.decide(requests, units, self._top_k, one.added[rows])
            else:
                found = [unlearned(units, self._top_k, self._answering.rule.version)] * len(rows)
            decisions |= zip(rows, found, strict=True)
        return [decisions[row] for row in range(len(one.batch.texts))]
