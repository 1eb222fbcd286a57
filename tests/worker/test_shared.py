"""The numbers that a worker's parent and its child share."""

import os

from worker.shared import make_shared


def test_a_forked_child_and_its_parent_see_what_the_other_writes() -> None:
    shared = make_shared()
    shared.stopping = 1

    child = os.fork()
    if child == 0:
        shared.reconnect, shared.dropped = shared.stopping, 7
        os._exit(0)
    os.waitpid(child, 0)

    assert (shared.reconnect, shared.dropped) == (1, 7)


def test_all_begin_at_nothing() -> None:
    shared = make_shared()

    assert (shared.stopping, shared.reconnect, shared.dropped, shared.refused_at) == (0, 0, 0, 0.0)
