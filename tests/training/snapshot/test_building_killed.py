"""A builder that is killed at any moment leaves whole snapshots, and the next one goes on."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db import Database
from tests.support.make import add_units
from tests.support.processes import wait_until
from tests.support.snapshots import build, samples
from training.snapshot.snapshot import Snapshot
from training.snapshot.store import newest_path, snapshots_in

BUILDER = """
import sys
from pathlib import Path
from db import Database
from tests.support.snapshots import build, samples
database = Database(sys.argv[1])
for turn in range(1000):
    build(database, Path(sys.argv[2]), samples(range(turn, turn + 300)))
    print(turn, flush=True)
"""


def build_until_killed(database: Database, models_dir: Path, seconds: float) -> None:
    """Let a process build, and kill it so many seconds after its first snapshot."""
    folder = snapshots_in(models_dir)
    before = newest_path(folder)
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", BUILDER, url, str(models_dir)]
    builder = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: newest_path(folder) != before, 120, "a snapshot")
        time.sleep(seconds)
    finally:
        builder.kill()
        builder.wait()


@pytest.mark.kill
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # snapshots are files
def test_whatever_a_killed_builder_had_finished_is_whole(
    database: Database, tmp_path: Path
) -> None:
    add_units(database)
    moments = random.Random(3)
    for _ in range(3):
        # When a builder that makes one snapshot after the other is killed at a random moment
        build_until_killed(database, tmp_path, moments.uniform(0, 0.2))

        # Then every snapshot is whole, and each knows the one before
        paths = sorted(path for path in snapshots_in(tmp_path).iterdir() if path.name[0].isdigit())
        found = [Snapshot.load(path) for path in paths]
        assert [one.manifest.number for one in found] == list(range(1, len(found) + 1))
        assert [one.manifest.parent for one in found[1:]] == [one.sha256 for one in found[:-1]]

    # And the next builder goes on where the last one was, and clears away what was half done
    last = build(database, tmp_path, samples(range(5000, 5100)))
    assert last.manifest.parent == found[-1].sha256
    assert not list(snapshots_in(tmp_path).rglob(".*.partial"))
