"""What is kept of an entry that is no ticket: its own fields, cut to a few KB, and the reason."""

from collections.abc import Mapping

from producer.stream.entries import Entry

# Four thousand rejects stay under 16 MiB in Redis: a test measures it.
_REJECT_BYTES = 3072
_VALUE_BYTES, _NAME_BYTES, _REASON_BYTES = 2048, 128, 512
_MOST_FIELDS = 64
# What Redis and Python keep for a field beside its bytes.
_FIELD_OVERHEAD = 16
# By these a person finds the ticket at its source.
_FIRST = (b"external_id", b"source")


def reject_words(entry: Entry, reason: str, external_id: str | None = None) -> list[bytes]:
    """Return the names and values of an entry's reject, in turn.

    Args:
        entry: what came in.
        reason: the field, a colon, and what is wrong with it.
        external_id: the ticket's, where it was read out of ``json`` and could be cut off there.
    """
    about = {
        b"rejected_entry": entry.id.encode(),
        b"rejected_reason": _cut(reason.encode(errors="replace"), _REASON_BYTES),
    }
    kept = _cut_fields(entry.fields)
    if kept != entry.fields or sum(map(len, (*kept, *kept.values()))) != entry.size:
        about[b"rejected_bytes"] = str(entry.size).encode()
        if external_id is not None and b"json" in kept:
            about[b"rejected_external_id"] = _cut(external_id.encode(errors="replace"), _NAME_BYTES)
    return [word for pair in (kept | about).items() for word in pair]


def _cut_fields(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the fields as far as they fit, those first that name the ticket."""
    kept: dict[bytes, bytes] = {}
    room = _REJECT_BYTES
    for name in sorted(fields, key=lambda name: name not in _FIRST)[:_MOST_FIELDS]:
        short = _cut(name, _NAME_BYTES)
        room -= len(short) + _FIELD_OVERHEAD
        if room < 0:
            break
        kept[short] = _cut(fields[name], min(_VALUE_BYTES, room))
        room -= len(kept[short])
    return kept


def _cut(value: bytes, limit: int) -> bytes:
    """Cut to ``limit`` bytes, not within a character of UTF-8."""
    end = min(limit, len(value))
    while end < len(value) and end > max(0, limit - 3) and value[end] & 0xC0 == 0x80:
        end -= 1
    return value[:end]
