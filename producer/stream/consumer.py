"""The Redis stream itself: read by bytes as well as by number, and acknowledged whatever happens.

Reading and acknowledging are scripts that run inside Redis. Only there an entry's size is known
before it is sent: 500 entries of 2 MB would otherwise be one reply of 1 GB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import ConnectionPool, Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from core.broker import INGEST_GROUP, INGEST_REJECTED_TOTAL, INGEST_REJECTS, INGEST_STREAM
from core.faults import redis_code

# Of an entry larger than is taken, so many fields are sent, and so many bytes of each.
_LARGE_FIELDS, _LARGE_BYTES = 64, 4096
# A frozen server must not hold the relay's other steps up for long.
_TIMEOUT_S = 5

# KEYS: the stream. ARGV: which, group, consumer, idle ms, entries, bytes, largest entry taken.
# One entry is fetched at a time, until the bytes are reached.
_READ = f"""
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

# KEYS: stream, rejects, total. ARGV: group, rejects kept, then for each entry its id, how many
# words its reject has (0: it is none) and these. Acknowledging comes first and cannot be refused
# for want of memory; what else fails is told. Several relays may have read an entry: who deletes
# it writes the reject.
_SETTLE = """
local stream, rejects, total, group, most = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
local lost, counted, at, reason = {}, 0, 3, ''
while at < #ARGV do
  local id, words = ARGV[at], tonumber(ARGV[at + 1])
  local mine = redis.call('XACK', stream, group, id) + redis.call('XDEL', stream, id) > 0
  if words > 0 and mine then
    counted = counted + 1
    local reply = redis.pcall('XADD', rejects, 'MAXLEN', '=', most, '*',
      unpack(ARGV, at + 2, at + 1 + words))
    if type(reply) == 'table' and reply.err then
      lost[#lost + 1], reason = id, reply.err
    end
  end
  at = at + 2 + words
end
if counted > 0 then
  local reply = redis.pcall('INCRBY', total, counted)
  if type(reply) == 'number' then counted = 0 else reason = reply.err end
end
return {lost, counted, reason}
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
class Settled:
    """What Redis refused while entries were acknowledged.

    Attributes:
        unkept: ids of the entries whose reject could not be written.
        uncounted: rejects that the total does not count yet.
        reply: Redis' error code, such as OOM; empty where all went well.
    """

    unkept: set[str]
    uncounted: int
    reply: str


class Stream:
    """``tickets.ingest`` as one consumer of the group ``relay`` sees it.

    Args:
        redis: a client whose server is used; the stream keeps a connection of its own.
        consumer: the consumer's name; it may be shared, for no entry is given out twice.
        entry_bytes: of a larger entry the beginning alone is fetched.
    """

    def __init__(self, redis: Redis, consumer: str, entry_bytes: int) -> None:
        # redis-py's stream commands are typed for sync and async at once, hence Any.
        self.redis: Any = bytes_client(redis)
        self.consumer = consumer
        self.entry_bytes = entry_bytes

    def read(self, which: str, *, most: int, room: int, idle_ms: int = 0) -> list[Entry]:
        """Return up to ``most`` entries, the last of which is the first to exceed ``room`` bytes.

        Args:
            which: ``unread`` gives out what no consumer has; ``abandoned`` claims what another one
                left unacknowledged for ``idle_ms``; ``any`` reads from the oldest on, and needs
                no group.
            most: entries at most.
            room: bytes of all entries.
            idle_ms: see ``which``.

        Raises:
            ResponseError: NOGROUP where the group is not there.
        """
        limits = (idle_ms, most, room, self.entry_bytes)
        found = self.redis.eval(
            _READ, 1, INGEST_STREAM, which, INGEST_GROUP, self.consumer, *limits
        )
        return [
            Entry(entry_id.decode(), size, dict(zip(words[::2], words[1::2], strict=True)))
            for entry_id, size, words in found
        ]

    def create_group(self) -> bool:
        """Make the group, which begins with the oldest entry; False where Redis is too full."""
        try:
            self.redis.xgroup_create(INGEST_STREAM, INGEST_GROUP, id="0", mkstream=True)
        except OutOfMemoryError:
            return False
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        return True

    def settle(
        self, entries: Sequence[tuple[str, Sequence[bytes]]], *, most_rejects: int
    ) -> Settled:
        """Acknowledge and delete entries; write the reject of those that have one.

        Args:
            entries: ids, each with the names and values of its reject, or with none.
            most_rejects: how many rejects are kept.
        """
        words: list[bytes | str | int] = []
        for entry_id, reject in entries:
            words += [entry_id, len(reject), *reject]
        keys = (INGEST_STREAM, INGEST_REJECTS, INGEST_REJECTED_TOTAL)
        unkept, uncounted, reply = self.redis.eval(
            _SETTLE, len(keys), *keys, INGEST_GROUP, most_rejects, *words
        )
        code = redis_code(ResponseError(reply.decode(errors="replace"))) or "refused"
        return Settled({i.decode() for i in unkept}, uncounted, code if reply else "")


def bytes_client(redis: Redis) -> Redis:
    """Return a client that takes bytes as they are: an entry need not be UTF-8."""
    pool = redis.connection_pool
    options = {**pool.connection_kwargs, "decode_responses": False, "socket_timeout": _TIMEOUT_S}
    return Redis(connection_pool=ConnectionPool(pool.connection_class, **options))
