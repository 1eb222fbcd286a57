"""The resident model: what is loaded, exchanged or refused as champion and taxonomy move."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from sqlalchemy import select

import worker.version_loader
from classifier.interface import Classifier
from classifier.model.adapter_file import WEIGHTS
from core.settings import Settings
from db import Database, taxonomy, tickets, versions
from db.models import Classification, Ticket
from registry.writer import TrainedVersion
from tests.support.llm import THEMES, changed_copy, promote_llm
from tests.support.make import UNITS, add_tickets, add_units, new_ticket, promote_constant
from tests.support.processes import wait_until
from worker.loop import ClaimLoop
from worker.resident import Resident


def test_a_promoted_version_takes_over_between_two_batches(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    first = loop.resident.refresh()
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))

    second = loop.resident.refresh()

    assert first is not second
    assert loop.resident.version == name


def test_the_same_version_is_not_loaded_again(loop: ClaimLoop) -> None:
    assert loop.resident.refresh() is loop.resident.refresh()


def test_a_damaged_version_is_refused_and_the_old_one_serves_on(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    before = loop.resident.refresh()
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))
    (settings.resolved_models_dir / name / "prior.json").write_text("{}")

    assert loop.resident.refresh() is before


def test_a_merged_unit_answers_for_what_it_took_over(loop: ClaimLoop, database: Database) -> None:
    loop.resident.refresh()
    with database.writing() as session:
        merged = taxonomy.UnitRecord("A", "甲局", status="merged", merged_into="C")
        taxonomy.import_units(session, [merged], actor="test")
    ids = add_tickets(database, 1)

    loop.run(ids, "bulk")

    with database.reading() as session:
        assert session.scalars(select(Ticket.unit_code)).all() == ["C"]


def test_what_a_version_would_give_to_a_unit_that_is_gone_goes_to_a_person(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    with database.writing() as session:
        gone = taxonomy.UnitRecord("A", "甲局", status="retired")
        taxonomy.import_units(session, [gone], actor="test")
    fresh = Resident(database, settings.resolved_models_dir)
    ids = add_tickets(database, 1)

    assert fresh.refresh() is not None
    assert (fresh.active_units, fresh.offered_units) == (frozenset("BC"), frozenset("ABC"))
    loop.run(ids, "bulk")

    with database.reading() as session:
        assert session.scalars(select(Ticket.status)).all() == ["review"]
        [answer] = session.scalars(select(Classification))
        assert (answer.unit_code, answer.probability, answer.held_back) == ("B", 0.25, "gone")


@pytest.mark.parametrize("answers_by", ["llm_version", "head_version"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_llm_names_new_units_at_once_and_asks_a_person_where_one_was_split(
    database: Database, settings: Settings, request: pytest.FixtureRequest, answers_by: str
) -> None:
    # Given an LLM that learned A to C; then C was split in two, and a unit added
    add_units(database)
    promote_llm(database, settings.resolved_models_dir, request.getfixturevalue(answers_by))
    resident = Resident(database, settings.resolved_models_dir)
    settings = settings.model_copy(update={"top_k": 6})
    loop = ClaimLoop(database, resident, settings, lambda _: None, "w")
    with database.writing() as session:
        new = [taxonomy.UnitRecord(code, f"{code}号办公室") for code in ("D", "E", "N")]
        split = taxonomy.UnitRecord("C", UNITS["C"], status="retired", split_into=("D", "E"))
        taxonomy.import_units(session, [*new, split], actor="test")
        texts = enumerate((THEMES["A"], THEMES["B"], THEMES["C"]))
        ids = tickets.insert(session, [new_ticket(n, text=text) for n, text in texts]).all_ids

    loop.run(ids, "bulk")

    # Then A and B are routed as before, and what was C's asks a person who sees both parts
    assert loop.resident.offered_units == {*"ABCDEN"}
    with database.reading() as session:
        first, second, third = session.scalars(select(Classification).order_by("ticket_id"))
        assert [first.unit_code, second.unit_code] == ["A", "B"]
        assert (third.unit_code in {"D", "E"}, third.held_back) == (True, "gone")
        assert {code for code, _ in third.top_k[:2]} == {"D", "E"}
        assert {*"ABDEN"} == {code for code, _ in third.top_k}


@pytest.fixture
def second_version(llm_version: TrainedVersion, settings: Settings) -> TrainedVersion:
    """A copy of the LLM version under another name, its adapter weakened."""

    def weaken(directory: Path) -> None:
        tensors = load_file(directory / WEIGHTS)
        save_file({name: tensor / 2 for name, tensor in tensors.items()}, directory / WEIGHTS)

    return changed_copy(llm_version, settings.resolved_models_dir, "second", weaken)


def is_current(resident: Resident) -> bool:
    with resident.database.reading() as session:
        return resident.is_current(session)


class Held:
    """Holds up the loading of versions until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on, self.loaded = threading.Event(), threading.Event()
        load = worker.version_loader.load_version

        def held(*arguments: Any) -> Classifier:
            assert self.go_on.wait(60)
            try:
                return load(*arguments)
            finally:
                self.loaded.set()

        monkeypatch.setattr(worker.version_loader, "load_version", held)


def swap_begun(
    database: Database, settings: Settings, first: TrainedVersion, second: TrainedVersion
) -> Resident:
    """A resident whose first version answers while the second one is loaded."""
    add_units(database)
    promote_llm(database, settings.resolved_models_dir, first)
    resident = Resident(database, settings.resolved_models_dir)
    resident.refresh()
    promote_llm(database, settings.resolved_models_dir, second)
    assert not is_current(resident)
    return resident


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # files and threads alone count
def test_the_old_adapter_answers_until_the_new_one_is_loaded(
    database: Database,
    settings: Settings,
    llm_version: TrainedVersion,
    second_version: TrainedVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident = swap_begun(database, settings, llm_version, second_version)
    # Of no theme it learned: nothing is sure.
    texts = [f"请在第{number}周内回复。" for number in range(12)]
    units = [resident.active_units] * len(texts)
    held = Held(monkeypatch)
    old = resident.refresh()
    assert old is not None
    before = old.classify(texts, units)

    assert is_current(resident)  # nothing is to be done while it is loaded
    held.go_on.set()
    assert held.loaded.wait(60)
    wait_until(lambda: not is_current(resident), 60, "the new version is there")
    assert old.classify(texts, units) == before  # loaded, and not yet in the way
    new = resident.refresh()

    assert new is not None
    assert (old.version, new.version) == (llm_version.name, second_version.name)
    assert new.engine.backbone is old.engine.backbone  # type: ignore[attr-defined]
    after = new.classify(texts, units)
    assert [d.top_k for d in after] != [d.top_k for d in before]
    # As a process answers that never had another version.
    cold = subprocess.run(
        [sys.executable, "-c", _COLD, second_version.path],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(cold.stdout) == [[code, p] for d in after for code, p in d.top_k]


_COLD = """
import json, sys
from pathlib import Path
from classifier.loading import load_classifier
texts = json.load(sys.stdin)
decisions = load_classifier(Path(sys.argv[1])).classify(texts, [frozenset("ABC")] * len(texts))
print(json.dumps([pair for decision in decisions for pair in decision.top_k]))
"""


def test_a_version_that_is_damaged_when_its_thread_reads_it_is_refused(
    database: Database,
    settings: Settings,
    llm_version: TrainedVersion,
    second_version: TrainedVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident = swap_begun(database, settings, llm_version, second_version)
    held = Held(monkeypatch)
    old = resident.refresh()
    (second_version.path / WEIGHTS).write_bytes(b"")
    held.go_on.set()
    wait_until(lambda: not is_current(resident), 60, "the thread has read it")

    assert resident.refresh() is old
    assert is_current(resident)


def test_a_champion_that_was_taken_back_while_it_was_loaded_never_answers(
    database: Database,
    settings: Settings,
    llm_version: TrainedVersion,
    second_version: TrainedVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resident = swap_begun(database, settings, llm_version, second_version)
    held = Held(monkeypatch)
    old = resident.refresh()
    with database.writing() as session:
        versions.rollback(session, actor="test")
    held.go_on.set()
    wait_until(lambda: not is_current(resident), 60, "the thread has read it")

    assert resident.refresh() is old
    assert is_current(resident)
    assert resident.version == llm_version.name


def test_a_refused_version_is_tried_again_once_its_files_are_back(
    loop: ClaimLoop, database: Database, settings: Settings
) -> None:
    # Given a champion that was refused for a damaged file
    loop.resident.refresh()
    loop.resident.retry_after = 0.0
    name = promote_constant(database, settings.resolved_models_dir, ("B", "B", "A"))
    prior = settings.resolved_models_dir / name / "prior.json"
    intact = prior.read_bytes()
    prior.write_text("{}")
    loop.resident.refresh()
    assert loop.resident.version != name

    # When the file is restored
    prior.write_bytes(intact)
    loop.resident.refresh()

    # Then it serves
    assert loop.resident.version == name
