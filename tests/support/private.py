"""A ticket that must not be quoted: each of its values has a mark that is looked for."""

from typing import Any

NAME, NUMBER, TITLE, PLACE, ID = "密张三", "110101199001019876", "密标题", "密区", "密id-1"
TEXT = f"密正文 我叫{NAME} 身份证{NUMBER}"
MARKS = ("密", NUMBER)
PERSONAL: dict[str, Any] = {
    "external_id": ID,
    "text": TEXT,
    "title": TITLE,
    "district": PLACE,
    "unit": "密局",
    "meta": {"密键": NAME},
}


def marks_in(said: str) -> list[str]:
    """What of the ticket was said."""
    return [mark for mark in MARKS if mark in said]
