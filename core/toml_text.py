"""TOML of files that others may have written: whatever is in them, one kind of error."""

import tomllib
from typing import Any


def parse_toml(content: bytes | str) -> dict[str, Any]:
    """Return what a TOML text says.

    Args:
        content: the text, as it is or in UTF-8.

    Raises:
        ValueError: it is no TOML; the message is short.
    """
    try:
        return tomllib.loads(content if isinstance(content, str) else content.decode())
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
