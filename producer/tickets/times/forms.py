"""The forms of written times, as one pattern for each form of a date.

The patterns match plain text (``plain_text``). Their named groups are the parts of a time:
``y``, ``m`` or ``month``, ``d`` or ``week``; ``h``, ``mi…``, ``s…``, ``f``, ``half``, ``before``,
``after`` of the clock; ``zone``, ``day_zone``, ``abbreviation``.
"""

import re
import unicodedata

from core.names import is_invisible

Parts = dict[str, str | None]

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = re.compile(
    r"\(?(?:星期|周|礼拜)[一二三四五六日天]\)?"
    r"|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b[,.]?"
)
_HALF = r"(?P<{}>a\.?m\.?|p\.?m\.?|上午|下午|凌晨|清晨|早晨|早上|中午|傍晚|晚上|晚间|夜间)"
_CLOCK = (
    rf"(?:{_HALF.format('before')}\s*)?"
    r"(?P<h>\d{1,2})"
    r"(?:(?P<c>[:.])(?P<mi>\d{1,2})(?:(?P=c)(?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"|[时点](?:(?P<half>半)|(?P<mi2>\d{1,2})分?(?:(?P<s2>\d{1,2})秒?)?)?"
    r"|(?<=\d\d)(?P<mi3>\d{2})(?P<s3>\d{2})?)?"
    rf"(?:\s*{_HALF.format('after')})?"
)
_ZONE = (
    r"(?:\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?)(?![\w:])"
    r"(?:\s*(?:\[[\w/+-]+\]|\([^)]*\)|[a-z]{3,5}\b))?)?"
    r"(?:\s+(?P<abbreviation>[a-z]{3,5}))?"
)
_DATES = (
    r"(?P<y>\d{4})(?P<sep>[-/.:])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})",
    r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号]?",
    rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ -]{_MONTH}[ ,-]+(?P<y>\d{{4}})",
    rf"{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    r"(?P<y>\d{4})-?w(?P<week>\d{2})-?(?P<d>[1-7])",
)
# What stands between day and hour. It may be nothing only where neither can take a digit of the
# other. It may be a hyphen only in 2026-03-01-09.30.00: 2026-03-01-05:00 is a day in a zone.
_PARTED = r"(?: ?t ?|,? |,|-(?=\d\d\.)|(?<=[日号])|(?=[上下凌清早中傍晚夜]))"
_DAY_ZONE = r"(?P<day_zone>z|[+-]\d\d:\d\d)"
_FORMS = (
    *(re.compile(rf"{day}(?:{_PARTED}{_CLOCK}{_ZONE}|{_DAY_ZONE})?") for day in _DATES),
    # As C, Java and JavaScript print a time: mar 1 09:30:00 cst 2026
    re.compile(rf"{_MONTH} (?P<d>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<y>\d{{4}})"),
)
_SHEET_TEXT = re.compile(r'\s*="([^"]*)"\s*')
_SIGN = re.compile(r" ?([年月日号时点分秒]) ?")


def plain_text(text: str) -> str:
    """Return the text in plain width and small letters, single-spaced, without what is not seen."""
    if quoted := _SHEET_TEXT.fullmatch(text):  # a spreadsheet's form of a text
        text = quoted[1]
    if not (text.isascii() and text.isprintable()):
        seen = "".join(c for c in text if c.isspace() or not is_invisible(c))
        text = unicodedata.normalize("NFKC", seen)
    plain = " ".join(text.lower().split())
    return _SIGN.sub(r"\1", plain).replace("\u2212", "-")


def without_weekday(text: str) -> str:
    """Return plain text without 星期日, Sun and the like: the date tells the day of the week."""
    return _WEEKDAY.sub("", text).strip()


def parts_of(text: str) -> Parts | None:
    """Return the parts of a date, alone or with clock and zone; None for any other text."""
    bare = " ".join(_WEEKDAY.sub(" ", text).split()).strip(" ,")
    bare = _SIGN.sub(r"\1", bare)
    for form in _FORMS:
        match = form.fullmatch(bare)
        if match is not None:
            return match.groupdict()
    return None
