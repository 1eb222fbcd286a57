"""``paidan recalibrate``: a version's threshold, set anew from what people decided."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from core.settings import get_settings
from db import Database, open_database
from db.results import is_sampled
from tests.support.cli import Cli, jsonl, write
from tests.support.llm import THEMES
from worker.loop import ClaimLoop
from worker.resident import Resident

UNITS = {"A": "城管局", "B": "教育局", "C": "水务局"}
SHARE = 0.6


def tickets(count: int, seed: int, wrong: float = 0.0) -> list[dict[str, object]]:
    """Rows of three themes, no two near-duplicates; a share of the labels is another unit's."""
    random = Random(seed)
    rows: list[dict[str, object]] = []
    for number in range(count):
        code = random.choice("ABC")
        place = "".join(random.choices("东西南北中山河桥路街巷里", k=8))
        named = random.choice("ABC") if random.random() < wrong else code
        row = {"external_id": str(number), "text": f"{THEMES[code]} {place}", "unit": UNITS[named]}
        rows.append(row)
    return rows


@pytest.fixture
def version(cli: Cli, tmp_path: Path) -> str:
    """A linear version, which answers all themes rightly; the champion."""
    file = jsonl(tmp_path / "learned.jsonl", *tickets(120, seed=1))
    ran = cli("train", "--data", file, "--promote", "--force", "--no-unit-review", 0, "--json")
    return str(json.loads(ran.out)["version"])


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return jsonl(tmp_path / "labelled.jsonl", *tickets(300, seed=2))


@pytest.fixture
def database(home: Path) -> Database:
    return open_database(get_settings())


def in_force(cli: Cli, version: str) -> list[tuple[int, bool]]:
    listed = json.loads(cli("models", "calibrations", version, "--json").out)
    return [(row["calibration"], row["in_force"]) for row in listed]


def test_a_labelled_file_sets_the_threshold_and_a_rollback_returns(
    cli: Cli, version: str, labelled: Path
) -> None:
    ran = cli("recalibrate", version, "--data", labelled, "--by", "li", "--json")

    done = json.loads(ran.out)
    assert (ran.code, done["version"], done["source"], done["tickets"]) == (0, version, "file", 300)
    assert (done["judged_on"], done["error_target"]) == (210, 0.05)
    assert done["after"]["coverage"] > 0.9
    assert done["error_bound"] <= 0.05
    assert in_force(cli, version) == [(done["calibration"], True)]

    shown = cli("models", "calibrations", version).out
    assert f"* {done['calibration']}  " in shown
    assert "300 tickets  li" in shown
    back = cli("recalibrate", version, "--rollback")
    assert "decides by the calibration that it was made with again" in back.out
    assert in_force(cli, version) == [(done["calibration"], False)]
    ran = cli("recalibrate", version, "--rollback")
    assert (ran.code, "none to roll back to" in ran.err) == (1, True)


def test_people_are_told_what_changes_and_a_dry_run_changes_nothing(
    cli: Cli, version: str, tmp_path: Path
) -> None:
    doubtful = jsonl(tmp_path / "doubtful.jsonl", *tickets(300, seed=3, wrong=0.03))

    ran = cli("recalibrate", version, "--data", doubtful, "--error-target", 0.1, "--dry-run")

    lines = ran.out.splitlines()
    assert lines[0] == f"{version}: 300 tickets"
    assert "threshold  routed  wrong of these" in ran.out
    assert [line.split()[0] for line in lines if line.startswith(("before", "after"))] == [
        "before",
        "after",
    ]
    assert "with 90% confidence, at most" in ran.out
    assert lines[-1] == "nothing was changed (--dry-run)"
    assert in_force(cli, version) == []


def test_too_few_tickets_are_refused_unless_all_is_to_be_held_back(
    cli: Cli, version: str, tmp_path: Path
) -> None:
    few = jsonl(tmp_path / "few.jsonl", *tickets(30, seed=4))

    ran = cli("recalibrate", version, "--data", few)
    assert ran.code == 1
    assert "to promise at most 5.00% errors, at least" in ran.err
    assert "there are 30; " in ran.err
    assert in_force(cli, version) == []

    ran = cli("recalibrate", version, "--data", few, "--hold-all")
    assert (ran.code, "all is held back" in ran.out) == (0, True)
    assert [now for _, now in in_force(cli, version)] == [True]


def answer(database: Database, ids: list[int]) -> None:
    """As a worker does."""
    settings = get_settings()
    resident = Resident(database, settings.resolved_models_dir)
    loop = ClaimLoop(database, resident, settings, lambda ids: None, "w")
    assert loop.run(ids, "bulk") == len(ids)


def test_of_the_decided_tickets_those_drawn_by_chance_set_it(
    cli: Cli,
    version: str,
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given tickets of which the blind sample is reviewed, and people who decide all but one of it
    monkeypatch.setenv("PAIDAN_REVIEW_SAMPLE", str(SHARE))
    rows = tickets(300, seed=5)
    cli("push", jsonl(tmp_path / "new.jsonl", *rows))
    answer(database, list(range(1, 301)))
    exported = cli("export", "-", "--status", "review").out.splitlines()
    in_review = {json.loads(line)["external_id"] for line in exported}
    decided = [row for row in rows if row["external_id"] in in_review]
    cli("correct", jsonl(tmp_path / "decided.jsonl", *decided[1:]))

    # When the version is recalibrated
    ran = cli("recalibrate", version, "--json")

    # Then it is by those of the sample
    done = json.loads(ran.out)
    sample = [n for n in range(1, 301) if is_sampled(n, SHARE)]
    assert (ran.code, done["source"], done["share"]) == (0, "decided", SHARE)
    assert done["tickets"] == done.get("sure", 0) + done.get("doubtful", 0)
    assert done["tickets"] + done["left_out"].get("doubted", 0) == len(decided) - 1
    assert 0 <= len(sample) - done["tickets"] <= 1
    assert (
        "1 tickets of the blind sample wait for a decision" in ran.err
        or len(sample) == done["tickets"]
    )

    # And what is answered from now on names it
    later = jsonl(tmp_path / "later.jsonl", *tickets(3, seed=6))
    cli("push", later, "--source", "later")
    answer(database, [301, 302, 303])
    database.engine.dispose()
    exported = cli("export", "-").out.splitlines()
    named = Counter(json.loads(line)["calibration"] for line in exported)
    assert named == {None: 300, done["calibration"]: 3}

    # And a version that was made later may have learned them
    earlier = cli("recalibrate", version, "--since", "2199-01-01")
    assert (earlier.code, f"{len(decided) - 1} decided before 2199" in earlier.err) == (1, True)


def test_without_a_blind_sample_the_setting_is_named(cli: Cli, version: str) -> None:
    ran = cli("recalibrate", version)

    assert (ran.code, "set PAIDAN_REVIEW_SAMPLE" in ran.err) == (1, True)


def test_a_version_whose_answers_are_all_alike_is_refused(cli: Cli, labelled: Path) -> None:
    trained = cli("train", "--data", labelled, "--kind", "constant", "--json")
    constant = json.loads(trained.out)["version"]

    ran = cli("recalibrate", constant, "--data", labelled)

    assert (ran.code, "of kind constant" in ran.err) == (1, True)


@pytest.mark.parametrize("option", ["--since=2026-01-01", "--share=0.5"])
def test_options_that_choose_decided_tickets_do_not_go_with_a_file(
    cli: Cli, tmp_path: Path, option: str
) -> None:
    ran = cli("recalibrate", "v", "--data", write(tmp_path / "x.csv", "text,unit\n"), option)

    assert (ran.code, "--since and --share choose decided tickets" in ran.err) == (2, True)


def test_an_unknown_version_is_refused(cli: Cli, labelled: Path) -> None:
    for arguments in (("--data", labelled), ("--rollback",), ()):
        ran = cli("recalibrate", "v", *arguments)
        assert (ran.code, "no model version 'v' is registered" in ran.err) == (1, True)
