"""The decision rule: from the ranked names of learned units to the unit of a ticket."""

from collections.abc import Mapping

from classifier.calibration import HOLD_ALL
from classifier.interface import PROBABILITY_DECIMALS, Decision, HeldBack, unlearned
from classifier.labels.search import Search
from classifier.labels.trie import LabelTrie, Node
from classifier.manifest import Calibration


class DecisionRule:
    """What a version makes of the searches of its engine.

    Parameters:
        version: the version's name.
        trie: of the learned units' names.
        calibration: temperature of the names' scores, threshold of their probabilities.
        mapping: learned unit code -> code of the unit that now stands for it. The probabilities
            of units that map to one are summed; a code that is not in it stands for itself.
        units: codes of the units it can answer.
    """

    def __init__(
        self,
        version: str,
        trie: LabelTrie,
        calibration: Calibration,
        mapping: Mapping[str, str] | None = None,
    ) -> None:
        self.version = version
        self.temperature = calibration.temperature
        self._threshold = calibration.threshold
        self._trie = trie
        self._target = {code: (mapping or {}).get(code, code) for code in trie.labels}
        self.units = frozenset(self._target.values())

    @property
    def holds_all(self) -> bool:
        """Whether every answer is held back, however probable."""
        return self._threshold >= HOLD_ALL

    def learned(self, allowed: frozenset[str]) -> frozenset[str]:
        """Return the learned codes that stand for allowed units."""
        return frozenset(code for code, target in self._target.items() if target in allowed)

    def root(self, learned: frozenset[str]) -> Node:
        """Return the root of the trie of some learned units."""
        return self._trie.restricted(learned)

    def names_to_rank(self, learned: frozenset[str], top_k: int) -> int | None:
        """Return how many names a search ranks for ``top_k`` units (see ``Search``).

        All (None) where two stand for one unit, whose sum may come first.
        """
        merged = len({self._target[code] for code in learned}) < len(learned)
        return None if merged else top_k

    def decide(self, search: Search | None, allowed: frozenset[str], top_k: int) -> Decision:
        """Return the decision of a ticket.

        Args:
            search: finished; None where no allowed unit was learned.
            allowed: the ticket's allowed units.
            top_k: how many units to name at most.
        """
        if search is None:
            return unlearned(allowed, top_k, self.version)
        sums: dict[str, float] = {}
        for code, probability in search.ranking():
            target = self._target[code]
            sums[target] = sums.get(target, 0.0) + probability
        rounded = {code: min(1.0, round(p, PROBABILITY_DECIMALS)) for code, p in sums.items()}
        top = tuple(sorted(rounded.items(), key=lambda item: (-item[1], item[0]))[:top_k])
        held_back: HeldBack | None = "doubtful" if top[0][1] < self._threshold else None
        return Decision(top[0][0], top[0][1], top, held_back, self.version)
