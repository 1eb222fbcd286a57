"""The refusal of a file whose encoding is not clear: it shows a line as each candidate reads it."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from producer.files.damage import DAMAGE
from producer.files.encoding.line_sample import LineSample
from producer.files.encoding.reading import Reading

_SHOWN_CHARS = 30


def unclear(path: Path, number: int, texts: Sequence[tuple[str, str]]) -> InputError:
    """Return the refusal.

    Args:
        path: the file.
        number: of the line shown.
        texts: encodings, each with the line as it reads it.
    """
    start = next((i for i, c in enumerate(texts[0][1]) if c > "\x7f"), 0)
    begin = max(0, start - _SHOWN_CHARS // 2)
    samples = [
        (encoding, DAMAGE.sub("\ufffd", text)[begin : begin + _SHOWN_CHARS].strip())
        for encoding, text in texts
    ]
    shown = "; ".join(f"{encoding} ({text!r})" for encoding, text in samples)
    return InputError(
        f"{path}, line {number}: the encoding is not clear; this line would read as {shown}. Name "
        "it with --encoding NAME, or save the file as UTF-8"
    )


def candidates(path: Path, sample: LineSample, readings: Sequence[Reading]) -> InputError:
    """Return the refusal with the first line in which the readings differ."""
    rows = list(zip(*(reading.texts for reading in readings), strict=True))
    index = next((i for i, texts in enumerate(rows) if len(set(texts)) > 1), 0)
    texts = [(reading.encoding, reading.texts[index]) for reading in readings]
    return unclear(path, sample.lines[index][0], texts)
