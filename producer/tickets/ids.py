"""External ids: what spreadsheets made of them, and which of it can be undone."""

import re
from typing import Any

from core.names import is_blank

# A spreadsheet keeps 15 digits of a number and fills the rest with zeros.
_KEPT_DIGITS = 15
_CURE = (
    "a spreadsheet or a number type has changed it; give the id's column the format 'text' before "
    "the ids are entered, or export the file from its source again"
)
# 2.02603E+15 as Excel writes it, 2.02603e+15 as Python, 2.0260301001E10 as Java. An id such as
# 1E5 or 12e34 stays one.
_SCIENTIFIC = re.compile(r"-?\d(?:[.,]\d+)?[eE]\+\d+|-?\d[.,]\d+E\d+")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_TEXT_MARK = re.compile(r"'(\d+)")
_WHOLE = re.compile(r"(\d+)\.0+")
_ERROR = re.compile(r"#+|#(?:REF|VALUE|NAME|NUM|DIV/0|NULL|SPILL|CALC)[!?]")

AS_TEXT = 'ids were read without the signs by which spreadsheets mark a text (="…" or \')'
AS_WHOLE = "ids written as a number with .0 were read without it"
AS_MISSING = "ids such as NULL or - were read as missing: the text's hash stands for them"


class RuinedIdError(ValueError):
    """An id has lost digits, or is a spreadsheet's error; the message tells the cure."""


def unwrapped(text: str) -> str:
    """Return what ``="…"``, a spreadsheet's form of a text, holds; any other text as it is."""
    found = _TEXT_FORMULA.fullmatch(text)
    return found[1].strip() if found else text


def read_id(value: Any) -> tuple[str | None, str | None]:
    """Return an id and what was done to it (one of the notes above).

    Args:
        value: a stripped text, or a number from a spreadsheet or JSON file; None for no id.

    Raises:
        RuinedIdError: digits are lost.
    """
    if value is None:
        return None, None
    written = str(value).strip()
    marked = _TEXT_MARK.fullmatch(written)
    text = marked[1] if marked else unwrapped(written)
    note = None if text == written else AS_TEXT
    if _SCIENTIFIC.fullmatch(text) or _ERROR.fullmatch(text):
        raise RuinedIdError(f"{text!r} is no id any more: {_CURE}")
    if whole := _WHOLE.fullmatch(text):
        if len(whole[1]) > _KEPT_DIGITS:
            raise RuinedIdError(f"{text!r} has more digits than a decimal number keeps: {_CURE}")
        text, note = whole[1], AS_WHOLE
    if text and is_blank(text):
        return None, AS_MISSING
    return text or None, note
