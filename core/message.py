"""A message of Redis: whether a publisher of ours could have sent it, and what a task needs of it.

Celery obeys some fields that its own publisher never writes, and others end it. So all of a message
is examined before Celery sees it.
"""

import base64
import json
from typing import Any

from core.broker import CLASSIFY_TASK, LANES, RETRAIN_TASK, TRAINING_QUEUE
from core.settings import MAX_MESSAGE_IDS

_MAX_ID = 2**63 - 1  # the tables'
# Headers that the publisher never sets. Celery would obey a time or a limit in them.
_UNSET = ("eta", "expires", "group", "stamps", "stamped_headers")
_EMBEDDED = frozenset(("callbacks", "errbacks", "chain", "chord"))
_MAX_NAME_CHARS = 200


def fault_of(message: Any, queue: str) -> str | None:
    """Return what is wrong with a decoded message of a queue, in fixed words, None for nothing."""
    try:
        return _envelope_fault(message, queue) or _body_fault(message, queue)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return type(error).__name__


def bare(message: Any, queue: str) -> dict[str, Any]:
    """Return a sound message with only what the task needs.

    Celery obeys some other headers (a chain, a chord), and its child sets each as an attribute.
    """
    return {
        **{name: message[name] for name in ("body", "content-type", "content-encoding")},
        "headers": {
            "id": message["headers"]["id"],
            "task": message["headers"]["task"],
            "ignore_result": True,
        },
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": message["properties"]["delivery_tag"],
            # Where it goes if it is given back.
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    }


def _envelope_fault(message: Any, queue: str) -> str | None:
    headers, properties = message["headers"], message["properties"]
    delivery = properties["delivery_info"]
    named = (headers["id"], properties["delivery_tag"], delivery["routing_key"])
    if not all(map(_is_name, (*named, delivery["exchange"]))):
        return "no envelope"
    if headers["task"] != (RETRAIN_TASK if queue == TRAINING_QUEUE else CLASSIFY_TASK):
        return "no task of this worker"
    if any(headers.get(name) for name in _UNSET) or any(headers.get("timelimit") or ()):
        return "a time of its own"
    if (message["content-type"], message["content-encoding"]) != ("application/json", "utf-8"):
        return "no JSON"
    return None if properties["body_encoding"] == "base64" else "no base64"


def _body_fault(message: Any, queue: str) -> str | None:
    arguments, kwargs, embedded = json.loads(base64.b64decode(message["body"], validate=True))
    known = kwargs == {} and embedded.keys() <= _EMBEDDED
    if not known or any(embedded.values()) or message["headers"].get("retries"):
        return "more than ids"
    if queue == TRAINING_QUEUE:
        return "more than a call" if arguments else None
    ids, lane = arguments
    if lane not in LANES or not isinstance(ids, list) or len(ids) > MAX_MESSAGE_IDS:
        return "no ids of a lane"
    are_ids = all(type(each) is int and 0 < each <= _MAX_ID for each in ids)
    return None if are_ids else "no ids of a lane"


def _is_name(value: object) -> bool:
    """Whether Redis and logs take a text as it is: not half a surrogate pair, for example."""
    return isinstance(value, str) and len(value) <= _MAX_NAME_CHARS and value.isprintable()
