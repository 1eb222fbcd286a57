"""Entries of the stream, fetched by bytes as well as by number.

Fetching is a script that runs inside Redis. Only there an entry's size is known before it is sent:
500 entries of 2 MB would otherwise be one reply of 1 GB.
"""

from dataclasses import dataclass
from typing import Any

from core.broker import INGEST_GROUP, INGEST_STREAM

# Of an entry larger than is taken, so many fields are sent, and so many bytes of each.
_LARGE_FIELDS, _LARGE_BYTES = 64, 4096

# KEYS: the stream. ARGV: which, group, consumer, idle ms, entries, bytes, largest entry taken.
# One entry is fetched at a time, until the bytes are reached.
_FETCH = f"""
local key, which, group, consumer, idle = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local most, room, largest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local cursor, looked = '-', 0

local function unread()
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', key, '>')
  return reply and reply[1][2][1]
end

local function any()
  local reply = redis.call('XRANGE', key, cursor, '+', 'COUNT', 1)
  if reply[1] then cursor = '(' .. reply[1][1] end
  return reply[1]
end

local function abandoned()
  if cursor == '-' then cursor = '0' end
  while cursor ~= '0-0' and looked < 1000 do
    looked = looked + 1
    local reply = redis.call(
      'XAUTOCLAIM', key, group, consumer, idle, cursor, 'COUNT', 1, 'JUSTID')
    cursor = reply[1]
    local id = reply[2][1]
    if id then
      local entry = redis.call('XRANGE', key, id, id)[1]
      if entry then return entry end
      redis.call('XACK', key, group, id) -- somebody deleted it; Redis 6.2 keeps it pending
    end
  end
end

local nextEntry = ({{unread = unread, any = any, abandoned = abandoned}})[which]
local found, bytes = {{}}, 0
while #found < most and bytes < room do
  local entry = nextEntry()
  if not entry then break end
  local fields, size = entry[2], 0
  for i = 1, #fields do size = size + #fields[i] end
  if size > largest then
    local cut = {{}}
    for i = 1, math.min(#fields, {2 * _LARGE_FIELDS}) do
      cut[i] = string.sub(fields[i], 1, {_LARGE_BYTES})
    end
    fields = cut
  end
  for i = 1, #fields do bytes = bytes + #fields[i] end
  found[#found + 1] = {{entry[1], size, fields}}
end
return found
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the stream.

    Attributes:
        size: bytes of its names and values. Of an entry larger than is taken, ``fields`` holds
            the beginning only.
    """

    id: str
    size: int
    fields: dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one fetch brings.

    Attributes:
        entries: at most so many.
        total_bytes: a fetch ends with the entry that brings it over so many.
        entry_bytes: of a larger entry the beginning alone is sent.
    """

    entries: int
    total_bytes: int
    entry_bytes: int


def fetch(
    redis: Any, consumer: str, which: str, limits: FetchLimits, *, idle_ms: int = 0
) -> list[Entry]:
    """Return entries, from the oldest on.

    Args:
        redis: a client for bytes.
        consumer: the consumer's name within the group.
        which: ``unread`` gives out what no consumer has; ``abandoned`` claims what another one
            left unacknowledged for ``idle_ms``; ``any`` reads without the group.
        limits: how much.
        idle_ms: see ``which``.

    Raises:
        ResponseError: NOGROUP where the group is not there.
    """
    numbers = (idle_ms, limits.entries, limits.total_bytes, limits.entry_bytes)
    found = redis.eval(_FETCH, 1, INGEST_STREAM, which, INGEST_GROUP, consumer, *numbers)
    return [
        Entry(entry_id.decode(), size, dict(zip(words[::2], words[1::2], strict=True)))
        for entry_id, size, words in found
    ]
