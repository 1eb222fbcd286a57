"""JSON of files that others may have written: whatever is in them, one kind of error."""

import json
from typing import Any


def parse_json(content: bytes | str, errors: str = "strict") -> Any:
    """Return what a JSON text says.

    Args:
        content: the text, as it is or in UTF-8.
        errors: what ``bytes.decode`` does with bytes that are no UTF-8.

    Raises:
        ValueError: it is no JSON. The message is short and quotes nothing of it.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8", errors)
        return json.loads(text)
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
