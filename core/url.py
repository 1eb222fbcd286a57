"""URLs of servers: read also where a password is not encoded, and never quoted.

A URL's rules ask for percent-encoding of ``@ / ? #``, but people put passwords into URLs as they
are. Such a URL is taken if it can be read in one way only. No message quotes anything of a URL, for
its password may be anywhere in it.
"""

import re
from collections.abc import Callable, Collection
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

_Read = TypeVar("_Read")

ENCODE = (
    "percent-encode what is special in user and password "
    "(@ is %40, : is %3A, / is %2F, # is %23, ? is %3F, % is %25)"
)


def split_credentials(rest: str, read: Callable[[str], _Read | None]) -> tuple[str, _Read]:
    """Part what is behind ``://`` into ``user:password``, still encoded, and the address.

    A reading by a URL's rules goes before any other: by them a password has no ``@ / ? #``.

    Args:
        rest: the URL without its scheme.
        read: returns what an address says, None where a text can be none.

    Raises:
        ValueError: it can be read in no way, or in more than one.
    """
    if any(character < " " for character in rest):
        raise ValueError(f"it holds a control character: {ENCODE}")
    ends = [at for at, character in enumerate(rest) if character == "@"]
    parted = [("", rest), *((rest[:at], rest[at + 1 :]) for at in ends)]
    readings = [(user, found) for user, place in parted if (found := read(place)) is not None]
    by_rule = [reading for reading in readings if not re.search("[@/?#]", reading[0])]
    if by_rule or len(readings) == 1:
        return (by_rule or readings)[0]
    if readings:
        raise ValueError(f"it can be read in more than one way: {ENCODE}")
    raise ValueError(f"it cannot be read; {ENCODE}")


def decoded(text: str, special: str) -> str:
    """Decode what is percent-encoded; a text with special characters is not encoded at all.

    Args:
        text: a user, a password or a path of a URL.
        special: a pattern of the characters that an encoded text cannot hold.

    Raises:
        ValueError: it holds both, or what it encodes is not UTF-8.
    """
    encoded = re.search(r"%[0-9A-Fa-f]{2}", text)
    plain = re.search(rf"{special}|%(?![0-9A-Fa-f]{{2}})", text)
    if encoded and plain:
        raise ValueError(f"it can be read in more than one way: {ENCODE}")
    if plain:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"it does not encode UTF-8: {ENCODE}") from None


def parameters(query: str) -> list[tuple[str, str]]:
    """Return what stands behind a URL's ``?``, decoded."""
    return parse_qsl(query, keep_blank_values=True)


def refuse_unknown_parameters(rest: str, known: Collection[str]) -> None:
    """Refuse parameters that are not known, and name those that cannot be part of a password.

    Raises:
        ValueError: there is such a parameter.
    """
    query = rest.partition("?")[2]
    unknown = [name for name, _ in parameters(query) if name not in known]
    if unknown and "@" not in query and all(name.isidentifier() for name in unknown):
        raise ValueError(f"{', '.join(unknown)} cannot be set in it")
