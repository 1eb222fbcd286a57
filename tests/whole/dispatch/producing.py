"""Tickets come in, and their messages go through a transport that keeps no promise."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
)

from core.broker import LANES, make_redis
from core.errors import BrokerUnavailableError
from core.settings import Settings
from db import Database
from producer import Submitter
from producer.relay import Relay
from tests.support.make import new_ticket
from tests.whole.dispatch.model import Expectation, Expected
from worker.loop import ClaimLoop
from worker.resident import Resident

TICKETS = Bundle("tickets")
WORKERS = ("w1", "w2", "w3")
MOST = 3  # tickets a claim takes


class Transport:
    """Stands where Redis stands: it may lose and double anything, and be away."""

    def __init__(self, settings: Settings) -> None:
        self.redis = make_redis(settings)  # of which the relay asks whether it is there
        self.settings = settings
        self.lanes: dict[str, list[list[int]]] = {lane: [] for lane in LANES}
        self.is_away = False

    def depth(self, lane: str) -> int:
        return len(self.lanes[lane])

    def publish(self, ids_by_lane: Mapping[str, Sequence[int]]) -> int:
        if self.is_away:
            raise BrokerUnavailableError("away")
        for lane, ids in ids_by_lane.items():
            if ids:
                self.lanes[lane].append(list(ids))
        return sum(map(len, ids_by_lane.values()))


class Producing(RuleBasedStateMachine):
    """What everything happens to, and what producers and the transport do."""

    def __init__(self, database: Database, settings: Settings, versions: list[str]) -> None:
        super().__init__()
        self.database = database
        self.versions = versions
        self.transport = Transport(settings)
        self.submitter = Submitter(database, self.transport, ())  # type: ignore[arg-type]
        self.relay = Relay(database, self.transport, settings)  # type: ignore[arg-type]
        resident = Resident(database, settings.resolved_models_dir)
        self.loop = ClaimLoop(database, resident, settings, self.transport.publish, "w0")
        self.expected = Expectation()
        self.lives = dict.fromkeys(WORKERS, 0)
        self.dead: set[str] = set()

    @initialize(target=TICKETS, lanes=st.lists(st.sampled_from(LANES), min_size=6, max_size=10))
    def begin(self, lanes: list[str]) -> object:
        """Some tickets are there, each by a submit of its own."""
        return multiple(*(self._submit(lane, [3], away=False)[0] for lane in lanes))

    @rule(
        target=TICKETS,
        lane=st.sampled_from(LANES),
        priorities=st.lists(st.sampled_from((1, 3, 5)), min_size=1, max_size=4),
        away=st.booleans(),
        text=st.sampled_from((None, None, "路灯坏了 1", "别的")),
    )
    def submit(self, lane: str, priorities: list[int], away: bool, text: str | None) -> object:
        """New rows; their message is sent, unless Redis is away. The first id may come again."""
        if text is not None:
            self._submit_again(text)
        return multiple(*self._submit(lane, priorities, away=away))

    def _submit(self, lane: str, priorities: list[int], *, away: bool) -> list[int]:
        first = len(self.expected.tickets) + 1
        new = [
            new_ticket(number, lane=lane, priority=priority)
            for number, priority in enumerate(priorities, first)
        ]
        self.transport.is_away = away
        result = self.submitter.submit(new)
        self.transport.is_away = False
        assert (result.added, result.known) == (len(new), 0)
        assert (result.unpublished is not None) == away
        for ticket_id, priority in zip(result.ids, priorities, strict=True):
            self.expected.tickets[ticket_id] = Expected(ticket_id, lane, priority)
        return result.ids

    def _submit_again(self, text: str) -> None:
        """What is there already is left as it is."""
        result = self.submitter.submit([new_ticket(1, text=text)])
        known = text == new_ticket(1).text
        assert (result.added, result.known, len(result.conflicts)) == (0, known, not known)

    @precondition(lambda self: any(self.transport.lanes.values()))
    @rule(is_lost=st.booleans())
    def disturb_message(self, is_lost: bool) -> None:
        """The next message of each lane is lost, or comes twice."""
        for lane in LANES:
            if is_lost:
                del self.transport.lanes[lane][:1]
            else:
                self.transport.lanes[lane] += self.transport.lanes[lane][:1]
