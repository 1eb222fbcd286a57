"""Cells that a spreadsheet would take for formulas, made inert for CSV and TSV files.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` (OWASP, "CSV Injection"). An
apostrophe before it makes it text. The export's column ``escaped`` names the row's columns that got
one, so that reading the file again takes away that one and no other.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from producer.files.rows import Row

ESCAPED = "escaped"
_MARK = "'"
_STARTS = frozenset("=+-@\N{MINUS SIGN}")
# Some spreadsheets skip white space, quotes and invisible characters before they look.
_SKIPPED = re.compile(r"""['"\s“”‘’\u200b-\u200f\u2060\ufeff]*""")
_BREAKS = frozenset("\t\r\n")


def is_formula(text: str) -> bool:
    """Say whether a spreadsheet could take ``text`` for a formula, apostrophes before it or not.

    Full-width and other forms of the signs count, and a tab or line break before anything else.
    """
    skipped = _SKIPPED.match(text)
    assert skipped is not None  # it matches nothing, too
    if not _BREAKS.isdisjoint(skipped.group()):
        return True
    following = text[skipped.end() : skipped.end() + 1]
    return unicodedata.normalize("NFKC", following) in _STARTS if following else False


def make_inert(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with an apostrophe before each formula, and the columns that got one."""
    found = [name for name, value in row.items() if isinstance(value, str) and is_formula(value)]
    return {**row, **{name: _MARK + row[name] for name in found}, ESCAPED: " ".join(found) or None}


def without_mark(text: str) -> str:
    """Return ``text`` without the apostrophe that makes it inert; other texts as they are."""
    marked = text.startswith(_MARK) and is_formula(text[len(_MARK) :])
    return text.removeprefix(_MARK) if marked else text


def as_stored(row: "Row") -> "Row":
    """Take away the apostrophes that the export put into a row, and the column that names them."""
    if ESCAPED not in row.values:
        return row
    values = dict(row.values)
    for name in str(values.pop(ESCAPED) or "").split():
        if isinstance(values.get(name), str):
            values[name] = without_mark(values[name])
    return replace(row, values=values)
