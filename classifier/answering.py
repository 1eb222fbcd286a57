"""How an LLM version answers: what its engine is asked of a ticket, and the decisions that follow.

A version answers by its head or by the units' names. The head has rows for the units with samples.
Where others are allowed, too, the names give these their share of the probability and the head
divides the rest. A linear model's scores may be added to the head's (``blend``).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from classifier.blend import Blend
from classifier.calibration import Floats, softmax
from classifier.decision_rule import UNRANKED, Columns, DecisionRule
from classifier.engine.engine import Engine
from classifier.engine.request import Question, Request
from classifier.interface import Decision
from classifier.labels.search import OPEN_MASS, Search, log_sum
from classifier.labels.trie import NO_NAMES, LabelTrie
from classifier.manifest import Calibration
from classifier.raw_scores import RawScores
from classifier.setup import Answer

Row = NDArray[np.float64]


class Answering:
    """What a version asks and decides.

    Args:
        rule: its classes are the trie's labels.
        trie: of all units' names: those of the prompt, and units added since.
        answer: by what it answers, and which units were taught.
        rows: codes of the head's units, in the order of its rows; none where names answer.
        blend: what is added to the head's scores, if anything.
    """

    def __init__(
        self,
        rule: DecisionRule,
        trie: LabelTrie,
        answer: Answer,
        rows: Sequence[str] = (),
        blend: Blend | None = None,
    ) -> None:
        self.rule = rule
        self._trie = trie
        self._answer = answer
        self._taught = frozenset(answer.taught)
        self._rows = {code: row for row, code in enumerate(rows)}
        self.blend = blend
        self.question = lru_cache(maxsize=256)(self._question)

    def raw_scores(self, engine: Engine, texts: Sequence[str]) -> RawScores:
        """Score n texts by what answers: the head, or the names of the taught units."""
        if self._rows:
            codes = tuple(self._rows)
            logits = engine.head_logits(texts) + self.added(texts)
            return RawScores(codes, self.rule.units_now(codes), logits, "head")
        codes = self._answer.taught
        found = [[one[code] for code in codes] for one in engine.scores(texts)]
        scores = np.array(found, dtype=np.float64).reshape(len(texts), len(codes))
        return RawScores(codes, self.rule.units_now(codes), scores, "names")

    def added(self, texts: Sequence[str]) -> Floats:
        """Return (n, rows) what is added to the head's scores of n texts, as ``decide`` takes it.

        It needs no device, so whoever waits for one has it computed meanwhile.
        """
        if self.blend is None:
            return np.zeros((len(texts), len(self._rows)), np.float32)
        return self.blend.scores(texts, tuple(self._rows))

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on (see ``DecisionRule.recalibrate``)."""
        self.rule.recalibrate(calibration)
        self.question.cache_clear()

    def decide(
        self, requests: Sequence[Request], allowed: frozenset[str], top_k: int, added: Floats
    ) -> list[Decision]:
        """Return the decisions of n finished requests that share a set of allowed units.

        Args:
            requests: each asked ``question(allowed, top_k)``.
            allowed: the tickets' allowed units, of which one was learned.
            top_k: how many units to name at most.
            added: (n, rows) of the tickets, see ``added``.
        """
        columns = self.rule.columns(allowed)
        if not self._rows:
            rows = np.stack([self._by_names(request.search, columns) for request in requests])
            belonging = self._belonging([request.search for request in requests])
            return self.rule.decide(rows, columns, allowed, top_k, belonging)
        logits = np.stack([request.head_logits for request in requests]) + added
        belonging = self.rule.belonging(logits)
        places = [self._rows[code] for code in columns.learned if code in self._rows]
        rows = np.zeros((len(requests), 0))
        if places:
            rows = softmax(logits[:, places], self.rule.temperature)
        if len(places) < len(columns.learned):
            rows = self._share(rows, [request.search for request in requests], columns)
        return self.rule.decide(rows, columns, allowed, top_k, belonging)

    def _question(self, allowed: frozenset[str], top_k: int) -> Question | None:
        """Return what a ticket is asked; None where none of its allowed units was learned."""
        columns = self.rule.columns(allowed)
        learned = frozenset(columns.learned)
        if not learned:
            return None
        if self._rows:
            if learned <= self._rows.keys():
                return Question(NO_NAMES, None, asks_head=True)
            # One name ranked is enough: the search goes on until what is unread weighs nothing.
            root = self._trie.restricted(learned)
            return Question(root, 1, self._answer.names_temperature, asks_head=True)
        if self._asks_all(learned):
            return Question(
                self._trie.restricted(learned | self._taught), None, self.rule.temperature
            )
        names = None if columns.are_merged else top_k
        return Question(self._trie.restricted(learned), names, self.rule.temperature)

    def _asks_all(self, learned: frozenset[str]) -> bool:
        """Whether all taught names are searched: the score of belonging is over all of them."""
        return self.rule.calibration.no_unit is not None and not self._taught <= learned

    def _by_names(self, search: Search, columns: Columns) -> Row:
        """Return (k,) the probabilities of a finished search among the allowed units."""
        weights = _normalised(search, columns.learned)
        if search.top_k is None:
            return weights
        # Beyond the first ``top_k`` a set may hold more: all that weigh enough were read.
        ranked = {code for code, _ in search.ranking()}
        is_known = [code in ranked for code in columns.learned]
        return np.where((weights >= OPEN_MASS) | is_known, weights, UNRANKED)

    def _belonging(self, searches: Sequence[Search]) -> Row | None:
        """Return (n,) scores of belonging by the taught units' names; None where none is asked.

        Names left unread weigh nothing.
        """
        if self.rule.calibration.no_unit is None:
            return None
        codes = self._answer.taught
        scores = [[search.scores.get(code, -np.inf) for code in codes] for search in searches]
        return self.rule.belonging(np.array(scores))

    def _share(self, by_head: Row, searches: Sequence[Search], columns: Columns) -> Row:
        """Return (n, k) probabilities: names give units without a row their share.

        Args:
            by_head: (n, rows) probabilities among the allowed units that have a row.
            searches: of n tickets.
            columns: k of them.
        """
        has_row = np.array([code in self._rows for code in columns.learned])
        shared = np.stack([_normalised(search, columns.learned) for search in searches])
        left = shared[:, has_row].sum(axis=1, keepdims=True)
        shared[:, has_row] = left * by_head
        return shared


def _normalised(search: Search, codes: Sequence[str]) -> Row:
    """Return what names weigh among some, (k,); those left unread weigh nothing."""
    scores = np.array([search.scores.get(code, -np.inf) for code in codes]) / search.temperature
    return np.exp(scores - log_sum(scores.tolist()))
