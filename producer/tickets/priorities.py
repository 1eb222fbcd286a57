"""Priorities as systems and people write them."""

import re

from core.names import name_key

# As service desks count (ITIL): 1 critical, 2 high, 3 moderate, 4 low, 5 planning.
_WORDS = {
    1: ("特急", "特提", "紧急", "非常紧急", "最高", "urgent", "critical", "emergency", "highest"),
    2: ("高", "较高", "急", "加急", "重要", "high", "important"),
    3: ("中", "普通", "一般", "正常", "常规", "normal", "medium", "moderate", "routine"),
    4: ("低", "较低", "low", "minor"),
    5: ("最低", "不急", "lowest", "planning"),
}
_BY_WORD = {name_key(word): number for number, words in _WORDS.items() for word in words}
# Spreadsheets make 1.0 of 1.
_NUMBER = re.compile(r"p?([1-5])(?:\.0+)?")


def read_priority(text: str) -> int | None:
    """Return the priority, 1 (urgent) to 5 (can wait), that ``text`` names, None if it names none.

    Numbers, P1 to P5, and words such as 紧急 or urgent are read; case and width do not count.
    """
    key = name_key(text)
    number = _NUMBER.fullmatch(key)
    return int(number[1]) if number else _BY_WORD.get(key)
