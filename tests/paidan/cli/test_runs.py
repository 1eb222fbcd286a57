"""``paidan runs``: asking, listing, showing, cancelling."""

import json
import stat
from pathlib import Path

import pytest

from core.settings import load_settings
from db import Database, open_database, run_points, versions
from db.run_points import Point
from db.run_tables import Run
from tests.support.cli import Cli, jsonl, write
from training.snapshot.seed import load_seed
from training.snapshot.store import snapshots_in


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "d.csv", "text,unit\nx,甲局\ny,乙局\n")


@pytest.fixture
def record() -> Database:
    return open_database(load_settings())


def run_of(record: Database, run_id: int) -> Run:
    with record.reading() as session:
        return session.get_one(Run, run_id)


def test_a_run_is_asked_for_with_its_tickets_and_their_units(
    cli: Cli, data: Path, record: Database, home: Path
) -> None:
    ran = cli("runs", "start", "--data", data, "--error-target", "0.1", "--by", "ann")

    assert ran.code == 0, ran.err
    assert "run 1 waits for a trainer" in ran.out
    assert "2 units were added from the labels" in ran.err
    assert "a trainer finds the run by itself" in ran.err  # no Redis here
    run = run_of(record, 1)
    assert (run.kind, run.state, run.actor, run.asked_for) == ("linear", "queued", "ann", "hand")
    assert run.parameters["error_target"] == 0.1
    folder = snapshots_in(home / "models")
    assert [row.text for row in load_seed(folder, run.parameters["seed"])] == ["x", "y"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_run_is_like_the_last_but_for_what_is_given(
    cli: Cli, data: Path, record: Database, tmp_path: Path
) -> None:
    recipe = write(tmp_path / "r.toml", "[lora]\nr = 8\n")
    first = cli("runs", "start", "--kind", "llm", "--data", data, "--recipe", recipe)
    assert first.code == 0, first.err

    ran = cli("runs", "start", "--answer", "head", "--json")

    assert json.loads(ran.out) == {"run": 2}
    first_run, second = run_of(record, 1), run_of(record, 2)
    assert second.kind == "llm"
    assert second.parameters == first_run.parameters | {"answer": "head"}
    assert second.parameters["recipe"] == "[lora]\nr = 8\n"


def test_a_base_goes_with_an_llm_alone(cli: Cli, data: Path, record: Database) -> None:
    ran = cli("runs", "start", "--data", data, "--base", "b")

    assert ran.code == 2
    assert "--kind llm" in ran.err
    assert run_count(record) == 0


def run_count(record: Database) -> int:
    with record.reading() as session:
        return session.query(Run).count()


def test_a_recipe_that_cannot_be_read_is_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("runs", "start", "--kind", "llm", "--recipe", tmp_path / "none.toml")

    assert ran.code == 1
    assert "none.toml cannot be read as a recipe" in ran.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe", "cannot be read as a recipe"),
        (b"[lora]\nrank = 8\n", "lora.rank"),
        (b"[lora]\nr = -8\n", "lora.r"),
        (b"x = 1\n", "x is no section of a recipe"),
        (b"[training]\nlearning_rate = 'fast'\n", "training.learning_rate"),
    ],
)
def test_a_wrong_recipe_is_refused_when_it_is_given(
    cli: Cli, data: Path, record: Database, tmp_path: Path, content: bytes, told: str
) -> None:
    recipe = write(tmp_path / "r.toml", content)

    ran = cli("runs", "start", "--kind", "llm", "--data", data, "--recipe", recipe)

    assert ran.code == 1
    assert "r.toml" in ran.err
    assert told in ran.err
    assert run_count(record) == 0


def test_files_of_a_recipe_are_kept_for_later_runs(
    cli: Cli, data: Path, record: Database, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipes").mkdir()
    soft = jsonl(tmp_path / "recipes" / "soft.jsonl", {"text": "x", "units": {"甲局": 1.0}})
    recipe = write(tmp_path / "recipes" / "r.toml", "[soft]\nfile = 'soft.jsonl'\n")
    given = "runs", "start", "--kind", "llm", "--data", data, "--recipe", recipe
    first = cli(*given)
    assert first.code == 0, first.err

    soft.unlink()
    assert cli("runs", "start").code == 0

    files = run_of(record, 2).parameters["files"]
    assert files == run_of(record, 1).parameters["files"]
    assert (home / "models" / files["soft.file"]).is_file()
    refused = cli(*given)
    assert (refused.code, f"soft labels {soft} cannot be read" in refused.err) == (1, True)


def test_runs_are_listed_and_shown_with_their_curves(
    cli: Cli, data: Path, record: Database
) -> None:
    assert "no run yet" in cli("runs", "list").out
    cli("runs", "start", "--data", data)
    with record.writing() as session:
        run_points.put(session, 1, [Point(n, n, loss=3.0 - n / 10) for n in range(1, 11)])

    listed, shown = cli("runs", "list"), cli("runs", "show", "1")

    assert "queued" in listed.out
    assert "by hand" in listed.out
    assert "step             10 after 10 s" in shown.out
    assert "loss             2.0000  █▇▆▆▅▄▃▃▂▁" in shown.out
    [row] = json.loads(cli("runs", "list", "--json").out)
    assert (row["run"], row["state"]) == (1, "queued")
    whole = json.loads(cli("runs", "show", "1", "--json").out)
    assert len(whole["points"]) == 10
    assert whole["points"][0]["loss"] == 2.9
    assert whole["suspects"] is None


def test_a_run_s_suspects_are_named(cli: Cli, data: Path, record: Database, home: Path) -> None:
    cli("runs", "start", "--data", data)
    with record.writing() as session:
        session.get_one(Run, 1).snapshot_sha256 = "ab" * 32
    path = snapshots_in(home / "models") / f"000001-{'ab' * 6}" / "suspects.jsonl"
    path.parent.mkdir()
    path.write_text('{"suspect": true}\n{"suspect": false}\n')

    assert f"suspects         1 labels look wrong: {path}" in cli("runs", "show", "1").out


def test_a_run_is_cancelled_once(cli: Cli, data: Path, record: Database) -> None:
    cli("runs", "start", "--data", data)

    assert "run 1 is cancelled" in cli("runs", "cancel", "1", "--by", "ann").out

    assert run_of(record, 1).cancelled_by == "ann"
    again = cli("runs", "cancel", "1")
    assert again.code == 1
    assert "has ended already (cancelled)" in again.err


def test_a_run_at_work_is_told_to_end(cli: Cli, data: Path, record: Database) -> None:
    cli("runs", "start", "--data", data)
    with record.writing() as session:
        session.get_one(Run, 1).state = "running"

    assert "ends with its trainer's next heartbeat" in cli("runs", "cancel", "1").out


def test_a_version_whose_run_broke_off_can_be_judged(
    cli: Cli, data: Path, record: Database
) -> None:
    cli("runs", "start", "--data", data)
    with record.writing() as session:
        run = session.get_one(Run, 1)
        run.state, run.version = "failed", "w"
    refused = cli("runs", "judge", "1")
    assert (refused.code, "has no version to judge" in refused.err) == (1, True)

    with record.writing() as session:
        versions.register(session, name="w", kind="linear", manifest_sha256="0", metrics={})

    assert "run 2 judges w anew" in cli("runs", "judge", "1").out


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_an_unknown_run_is_told(cli: Cli, command: str) -> None:
    ran = cli("runs", command, "7")

    assert ran.code == 1
    assert "there is no run 7" in ran.err


@pytest.mark.parametrize("command", ["show", "cancel", "judge"])
@pytest.mark.parametrize("number", ["0", str(2**63), "x"])
def test_what_is_no_run_s_number_is_refused(cli: Cli, command: str, number: str) -> None:
    ran = cli("runs", command, number)

    assert ran.code == 2
    assert "Invalid value for 'RUN'" in ran.err


@pytest.mark.parametrize("command", ["runs", "dead"])
@pytest.mark.parametrize("limit", ["0", "-1", str(2**70)])
def test_a_limit_that_no_list_has_is_refused(cli: Cli, command: str, limit: str) -> None:
    ran = cli(command, "list", "--limit", limit)

    assert ran.code == 2
    assert "Invalid value for '--limit'" in ran.err
