"""The commands on a record without servers: units, train, models, export, correct, dead, status."""

import csv
import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.settings import get_settings, load_settings
from db import Database, open_database, workers
from db.models import Correction, Status, Ticket
from tests.support.cli import Cli
from worker.loop import ClaimLoop
from worker.resident import Resident

LABELLED = "text,unit\n" + "".join(
    f"{text} {n},{unit}\n"
    for n in range(20)
    for text, unit in (("路灯不亮 黑漆漆", "城管局"), ("自来水浑浊 有味道", "水务局"))
)
TICKETS = """external_id,title,text,unit
1,路灯,路灯不亮了,城管局
2,水,自来水浑浊,水务局
3,,你好,水务局
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "labelled.csv").write_text(LABELLED, "utf-8")
    (tmp_path / "tickets.csv").write_text(TICKETS, "utf-8")
    return tmp_path


@pytest.fixture
def answered(cli: Cli, files: Path) -> Path:
    """Three tickets answered by a trained linear model, in this process."""
    assert cli("train", "--data", files / "labelled.csv", "--promote").code == 0
    assert cli("push", files / "tickets.csv").code == 0
    settings = get_settings()
    database: Database = open_database(settings)
    resident = Resident(database, settings.resolved_models_dir)
    assert (
        ClaimLoop(database, resident, settings, lambda ids: None, "w").run([1, 2, 3], "bulk") == 3
    )
    database.engine.dispose()
    return files


def rows_of(database: Database) -> list[Ticket]:
    with database.reading() as session:
        return list(session.scalars(select(Ticket).order_by(Ticket.id)))


def test_units_are_imported_listed_and_merged(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("code,name,responsibilities,merged_into\nA,甲局,路灯,\nB,乙局,,A\n", "utf-8")

    assert (
        "2 units added, 0 changed, 0 as before; taxonomy version 1"
        in cli("units", "import", file).out
    )
    assert cli("units", "list").out == "A\t甲局\n"
    assert "B\t乙局  (merged)" in cli("units", "list", "--all").out
    everything = json.loads(cli("units", "list", "--all", "--json").out)
    assert [unit["responsibilities"] for unit in everything] == ["路灯", ""]
    assert "0 units added, 0 changed, 2 as before" in cli("units", "import", file).out


def test_units_are_imported_from_columns_of_other_names(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("编码,单位名称,职责\nA,甲局,路灯\n", "utf-8")
    names = (
        "--column",
        "name=单位名称",
        "--column",
        "code=编码",
        "--column",
        "responsibilities=职责",
    )

    assert "1 units added" in cli("units", "import", file, *names).out
    [unit] = json.loads(cli("units", "list", "--json").out)
    assert (unit["code"], unit["name"], unit["responsibilities"]) == ("A", "甲局", "路灯")
    missing = cli("units", "import", file, "--column", "name=名")
    assert (missing.code, "no column '名' among '编码', '单位名称', '职责'" in missing.err) == (
        1,
        True,
    )
    assert (
        "a unit has the fields code, name"
        in cli("units", "import", file, "--column", "title=名").err
    )


def test_a_version_is_trained_listed_shown_promoted_and_rolled_back(cli: Cli, files: Path) -> None:
    first = json.loads(cli("train", "--data", files / "labelled.csv", "--promote", "--json").out)
    second = json.loads(
        cli("train", "--data", files / "labelled.csv", "--kind", "constant", "--json").out
    )

    listed = json.loads(cli("models", "list", "--json").out)
    assert [(v["name"], v["kind"], v["champion"]) for v in listed] == [
        (first["version"], "linear", True),
        (second["version"], "constant", False),
    ]
    manifest = json.loads(cli("models", "show", first["version"]).out)
    assert manifest["name"] == first["version"]
    assert second["version"] in cli("models", "promote", second["version"]).out
    assert cli("models", "rollback").out == (
        f"champion: {second['version']} -> {first['version']}\n"
    )


def test_evaluate_measures_the_champion(cli: Cli, answered: Path) -> None:
    report = json.loads(cli("evaluate", answered / "labelled.csv", "--json").out)

    assert (report["n"], report["accuracy"], report["macro"]["f1"]) == (40, 1.0, 1.0)
    shown = cli("evaluate", answered / "labelled.csv").out
    assert "accuracy 1.0000" in shown
    assert "城管局" in shown


def test_export_has_a_row_a_ticket_with_prediction_and_decision(cli: Cli, answered: Path) -> None:
    ran = cli("export", answered / "out.csv")

    assert (ran.code, "3 tickets exported" in ran.err) == (0, True)
    with (answered / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["external_id"]: row for row in csv.DictReader(stream)}
    assert (rows["1"]["predicted_unit"], rows["2"]["predicted_unit"]) == ("城管局", "水务局")
    assert rows["1"]["given_unit"] == "城管局"
    assert float(rows["1"]["confidence"]) > 0.5
    assert json.loads(rows["1"]["top_k"])[0][0] == "城管局"
    assert rows["1"]["model"].startswith("linear-")
    jsonl = cli("export", "-").out.splitlines()
    assert [json.loads(line)["external_id"] for line in jsonl] == ["1", "2", "3"]


def test_an_export_that_fails_leaves_the_old_file(cli: Cli, answered: Path) -> None:
    (answered / "out.txt").write_text("old")

    assert cli("export", answered / "out.txt").code == 1
    assert cli("export", answered / "nowhere" / "out.csv").code == 1
    assert (answered / "out.txt").read_text() == "old"


def test_corrections_from_elsewhere_decide_and_are_kept(cli: Cli, answered: Path) -> None:
    file = answered / "decided.csv"
    file.write_text("external_id,unit\n1,城管局\n3,城管局\n9,城管局\n2,火星局\n", "utf-8")

    ran = cli("correct", file, "--by", "李", "--confirm")

    assert ran.code == 3
    assert "refused 2" in ran.out
    assert "no ticket '9' of source 'file' is known" in ran.err
    assert "unit '火星局' is unknown" in ran.err
    database = open_database(load_settings())
    by_id = {ticket.external_id: ticket for ticket in rows_of(database)}
    assert [(by_id[i].status, by_id[i].unit_code) for i in "13"] == [("routed", "城管局")] * 2
    with database.reading() as session:
        kept = session.scalars(select(Correction).order_by(Correction.id)).all()
    assert [(c.ticket_id, c.to_unit, c.actor) for c in kept] == [
        (1, "城管局", "李"),
        (3, "城管局", "李"),
    ]
    assert "decided before 2" in cli("correct", file).out
    database.engine.dispose()


def test_dead_tickets_are_listed_and_requeued(cli: Cli, answered: Path) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        session.execute(
            update(Ticket).where(Ticket.id < 3).values(status=Status.DEAD, dead_reason="boom")
        )

    assert cli("dead", "list").out == "file\t1\tboom\nfile\t2\tboom\n"
    assert cli("dead", "requeue").code == 2  # neither ids nor --all
    assert cli("dead", "requeue", "1", "7").code == 3  # 7 is not dead
    assert [ticket.status for ticket in rows_of(database)][:2] == ["queued", "dead"]
    assert "1 tickets are queued again" in cli("dead", "requeue", "--all").out
    assert cli("dead", "list").out == "no ticket is dead\n"
    database.engine.dispose()


def test_status_counts_and_names_what_is_missing(cli: Cli, answered: Path) -> None:
    state = json.loads(cli("status", "--json").out)

    assert sum(sum(lanes.values()) for lanes in state["tickets"].values()) == 3
    assert state["champion"].startswith("linear-")
    assert (state["queues"], state["workers"], state["claimed"]) == (None, [], 0)
    shown = cli("status").out
    assert "Redis does not answer" in shown
    assert "none yet: paidan up" in shown


@pytest.mark.parametrize(("seconds", "state"), [(1.0, "alive"), (20.0, "stalled")])
def test_status_tells_of_a_worker_that_no_message_reaches(
    cli: Cli, answered: Path, seconds: float, state: str
) -> None:
    database = open_database(load_settings())
    with database.writing() as session:
        workers.started(session, name="w", pid=1, device="cpu")
        workers.beat(
            session,
            name="w",
            model_version=None,
            classified=0,
            progress_age=None,
            stalled_s=seconds,
            dropped=3,
        )
    database.engine.dispose()

    [told] = json.loads(cli("status", "--json").out)["workers"]
    shown = cli("status").out

    assert (told["state"], told["stalled_s"], told["dropped_messages"]) == (state, seconds, 3)
    assert "3 messages dropped" in shown
    assert ("no message for 20 s" in shown) == (state == "stalled")


def test_wrong_usage_has_its_own_exit_code(cli: Cli) -> None:
    assert cli("push").code == 2
    assert cli("nonsense").code == 2
    assert cli("push", "f.csv", "--column", "text").code == 2
    assert cli("push", "f.csv", "--column", "body=x").code == 1
    assert cli("--version").out.startswith("paidan, version")
