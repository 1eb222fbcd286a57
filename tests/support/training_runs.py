"""Training runs for tests: asked for in one line, worked off by real trainers."""

from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from core.settings import Settings
from db import Database, runs
from db.claims import new_token
from db.models import ModelVersion
from db.run_tables import Run
from tests.support.make import add_units
from tests.support.processes import Process, wait_until
from training.runs.errand import Errand
from training.runs.workplace import Workplace
from training.samples import Sample
from training.snapshot.seed import store_seed
from training.snapshot.store import snapshots_in

PROGRAM = "training.runs.child"
_HOUR_S = 3600.0
ENDED = ("done", "refused", "failed", "cancelled")


def trainer(settings: Settings, log: Path, **env: str) -> Process:
    return Process(settings, log, "paidan", "trainer", "--cpu", **env)


def quick(settings: Settings, **values: Any) -> Settings:
    """Times under which a trainer looks often, and a dead one's lease expires soon."""
    times = {"task_loop": 0.5, "hard_limit": 1, "claim": 6, "visibility": 10, "heartbeat": 0.5}
    return Settings.model_validate(settings.model_dump() | times | {"stop_grace": 20} | values)


def ask_for_run(
    database: Database,
    settings: Settings,
    samples: list[Sample],
    kind: str = "linear",
    **wish: Any,
) -> int:
    """Ask for a run that learns from samples; their units are added where they are missing."""
    add_units(database)
    folder = snapshots_in(settings.resolved_models_dir)
    parameters = {"seed": store_seed(folder, samples), **wish}
    with database.writing() as session:
        return runs.ask(session, kind, parameters, asked_for=runs.HAND, actor="ann")


def lease(database: Database, settings: Settings, run_id: int) -> Errand:
    """Lease the run that waits, and return its errand in this process."""
    token = new_token()
    with database.writing() as session:
        held = runs.lease(session, token=token, holder="t", device="cpu", seconds=_HOUR_S)
    assert held is not None
    assert held.run_id == run_id
    return Errand(database, settings, run_id, token, Workplace(settings, run_id))


def work_off(database: Database, settings: Settings, run_id: int) -> None:
    """Work off the run that waits, in this process and without a trainer."""
    lease(database, settings, run_id).run()


def run_of(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return session.get_one(Run, run_id)


def state_of(database: Database, run_id: int) -> str:
    return str(run_of(database, run_id).state)


def wait_for_end(database: Database, run_id: int, within: float = 90) -> Run:
    wait_until(lambda: state_of(database, run_id) in ENDED, within, f"run {run_id} ends", pause=0.1)
    return run_of(database, run_id)


def children_at_work(process: Process) -> list[psutil.Process]:
    """The processes of runs that a trainer has started and that live."""
    return [child for child in process.children() if PROGRAM in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return []


def wait_for_child(process: Process, within: float = 30) -> psutil.Process:
    wait_until(lambda: bool(children_at_work(process)), within, "a run's process", pause=0.1)
    return children_at_work(process)[0]


def versions_in(settings: Settings) -> list[str]:
    """The names of the folders of versions there are, and of whatever else lies beside them."""
    folder = settings.resolved_models_dir
    found = [path.name for path in folder.iterdir()] if folder.exists() else []
    return sorted(name for name in found if name != "snapshots")


def registered(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.scalars(select(ModelVersion.name)))


def left_in_home(settings: Settings) -> list[str]:
    """What runs have left in the home, beside the seed sets."""
    home = settings.resolved_home
    found = [*(home / "runs").glob("*"), *(home / "run").glob("training-run-*")]
    return sorted(path.name for path in found)
