"""Acknowledging entries: they leave the stream, and the rejects among them are kept, in one script.

Of several relays that have read an entry, the one that deletes it writes its reject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from core.broker import INGEST_GROUP, INGEST_REJECTED_TOTAL, INGEST_REJECTS, INGEST_STREAM
from core.faults import redis_code

# KEYS: stream, rejects, total. ARGV: group, rejects kept, then for each entry its id, how many
# words its reject has (0: it is none) and these. Acknowledging comes first: Redis cannot refuse it
# for want of memory. The script returns what else failed.
_ACKNOWLEDGE = """
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
class Acknowledgement:
    """What Redis refused while entries were acknowledged.

    Attributes:
        unkept: ids of the entries whose reject could not be written.
        uncounted: rejects that the total does not count yet.
        reply: Redis' error code, such as OOM; empty where all went well.
    """

    unkept: set[str]
    uncounted: int
    reply: str


def acknowledge(
    redis: Any, entries: Sequence[tuple[str, Sequence[bytes]]], *, most_rejects: int
) -> Acknowledgement:
    """Acknowledge and delete entries; write and count the reject of those that have one.

    Args:
        redis: a client for bytes.
        entries: ids, each with the names and values of its reject, or with none.
        most_rejects: how many rejects are kept.

    Raises:
        RedisError: Redis cannot be reached, or refuses to acknowledge.
    """
    words: list[bytes | str | int] = []
    for entry_id, reject in entries:
        words += [entry_id, len(reject), *reject]
    keys = (INGEST_STREAM, INGEST_REJECTS, INGEST_REJECTED_TOTAL)
    unkept, uncounted, reply = redis.eval(
        _ACKNOWLEDGE, len(keys), *keys, INGEST_GROUP, most_rejects, *words
    )
    code = redis_code(ResponseError(reply.decode(errors="replace"))) or "refused"
    return Acknowledgement({i.decode() for i in unkept}, uncounted, code if reply else "")
