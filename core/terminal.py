"""Words as a terminal may show them: tickets, files and arguments may hold what it would obey."""

import unicodedata

_SPACES = "Zs"  # such as the wide one of Chinese texts, which Python does not count as printed


def without_controls(words: str, keep: str = "") -> str:
    """Return words in which each control or invisible character is spelt out, as Python does.

    Args:
        words: that may quote a ticket, a file or an argument.
        keep: characters to leave as they are, such as line breaks of our own.
    """
    return "".join(one if _is_shown(one) or one in keep else ascii(one)[1:-1] for one in words)


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == _SPACES
