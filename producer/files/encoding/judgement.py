"""Which of a file's readings is the right one: it must be clear, and beat every other one."""

from collections.abc import Sequence
from pathlib import Path

from producer.files.damage import DAMAGE
from producer.files.encoding import plausibility
from producer.files.encoding.line_sample import LineSample
from producer.files.encoding.reading import Reading
from producer.files.encoding.refusal import candidates, unclear

# In nats. The second best must be a million times less likely.
_MARGIN = 14.0
_LINE_MARGIN = 20.0
_MIN_LINE_CHARACTERS = 4
_SHORT_MARGIN = 4.0  # for UTF-8, whose form alone is evidence


def judge(path: Path, sample: LineSample, readings: Sequence[Reading]) -> str:
    """Return the encoding of the reading that is clear in itself and beats every other one.

    Raises:
        InputError: there is none, or another encoding reads one of its lines far better.
    """
    ranked = sorted(readings, key=lambda reading: reading.total)
    best = ranked[0]
    rivals = [r for r in ranked[1:] if r.texts != best.texts]
    close = [r for r in rivals if r.total < best.total + _MARGIN]
    if close or not best.is_clear():
        raise candidates(path, sample, [best, *(close or rivals)][:3])
    if best.encoding != "utf-8":
        _refuse_mixture(path, sample, best, rivals)
    return best.encoding


def judge_short_utf8(path: Path, sample: LineSample, readings: Sequence[Reading]) -> str:
    """Take a little UTF-8 for what it is, unless another reading is much better.

    Args:
        path: for messages.
        sample: of the file.
        readings: the first is UTF-8's.

    Raises:
        InputError: one is.
    """
    utf8, *others = readings
    own = sum(
        min(cost, plausibility.script_cost(text))
        for cost, text in zip(utf8.costs, utf8.texts, strict=True)
    )
    best = min(others, key=lambda reading: reading.total)
    whole = "".join(best.texts)
    good = own <= best.total + _SHORT_MARGIN
    if good or DAMAGE.search(whole) or plausibility.gain(whole)[0] <= 0:
        return "utf-8"
    raise candidates(path, sample, [utf8, best])


def _refuse_mixture(
    path: Path, sample: LineSample, best: Reading, rivals: Sequence[Reading]
) -> None:
    """Refuse a file with a line that another encoding reads far better: it would be garbled."""
    for rival in rivals:
        for index, (own, other) in enumerate(zip(best.costs, rival.costs, strict=True)):
            beyond_ascii = {c for c in best.texts[index] if c > "\x7f"}
            if other + _LINE_MARGIN < own and len(beyond_ascii) >= _MIN_LINE_CHARACTERS:
                texts = [(r.encoding, r.texts[index]) for r in (best, rival)]
                raise unclear(path, sample.lines[index][0], texts)
