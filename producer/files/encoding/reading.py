"""A reading: the sampled lines as one encoding decodes them, and how plausible they are."""

import re
from dataclasses import dataclass

from producer.files.column_names import is_known_word
from producer.files.damage import DAMAGE, decode_damaged
from producer.files.encoding import plausibility
from producer.files.encoding.line_sample import LineSample
from producer.files.encoding.western_languages import has_western_letters, is_western

# In nats.
_MIN_GAIN = 5.0
_MIN_GAIN_PER_CHARACTER = 0.7
_KNOWN_WORD = 8.0
_WESTERN_LINE = 12.0
_MIN_WESTERN_SHARE = 0.5
_MAX_DAMAGED_SHARE = 0.5
_HEADER_LINES = 5  # column names are looked for in them
_CELLS = re.compile(r'[,;\t|"\r\n]+')


@dataclass(frozen=True, slots=True)
class Reading:
    """The sampled lines as one encoding reads them.

    Attributes:
        encoding: its codec.
        texts: the lines.
        costs: of each line in nats; the most plausible reading has the lowest sum.
    """

    encoding: str
    texts: list[str]
    costs: list[float]

    @property
    def total(self) -> float:
        """The cost of all lines in nats."""
        return sum(self.costs)

    def is_clear(self) -> bool:
        """Say whether the reading is plausible in itself, whatever the others are."""
        if self.encoding == "cp1252":
            return self._is_western()
        gains = [plausibility.gain(DAMAGE.sub("", text)) for text in self.texts]
        known = sum(plausibility.cost(text) for text in self.texts) - self.total
        gain = sum(gain for gain, _ in gains) + known
        beyond_ascii = sum(count for _, count in gains)
        if self.encoding == "utf-8":
            # Its form is evidence in itself, so its damaged rows may be many.
            return gain >= 0 and beyond_ascii > 0
        damaged = sum(bool(DAMAGE.search(text)) for text in self.texts)
        enough = gain >= max(_MIN_GAIN, _MIN_GAIN_PER_CHARACTER * beyond_ascii)
        return enough and damaged <= _MAX_DAMAGED_SHARE * len(self.texts)

    def _is_western(self) -> bool:
        whole = "".join(self.texts)
        if DAMAGE.search(whole) or not has_western_letters(whole):
            return False
        return sum(map(is_western, self.texts)) >= _MIN_WESTERN_SHARE * len(self.texts)


def read_sample(sample: LineSample, encoding: str) -> Reading:
    """Decode the sampled lines and judge how plausible they are."""
    texts = [decode_damaged(line, encoding) for _, line in sample.lines]
    costs = [plausibility.cost(text) for text in texts]
    for index, text in enumerate(texts[:_HEADER_LINES]):
        # A known column name beyond ASCII comes out of one encoding alone.
        known = sum(is_known_word(cell) for cell in _CELLS.split(text) if not cell.isascii())
        costs[index] -= _KNOWN_WORD * known
    if encoding == "cp1252":
        costs = [
            cost - _WESTERN_LINE * is_western(text) for cost, text in zip(costs, texts, strict=True)
        ]
    return Reading(encoding, texts, costs)
