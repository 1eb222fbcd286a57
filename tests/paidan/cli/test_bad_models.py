"""Bad training data and damaged model versions: each is refused with the cure."""

from pathlib import Path

import pytest

from core.settings import load_settings
from db import Database, open_database
from tests.support.cli import Cli, jsonl, write
from tests.support.make import add_units, promote_constant


class TestTraining:
    def test_unknown_units_are_taken_from_the_labels_and_told(
        self, cli: Cli, tmp_path: Path
    ) -> None:
        rows = [
            {"Question": f"text {n}", "Complex_CoT": "", "Response": "甲乙"[n % 2]}
            for n in range(9)
        ]

        ran = cli("train", "--data", jsonl(tmp_path / "d.jsonl", *rows), "--kind", "constant")

        assert ran.code == 0
        assert "2 units were added from the labels: 乙, 甲" in ran.err

    def test_a_retired_unit_in_the_data_is_refused_with_its_line(
        self, cli: Cli, tmp_path: Path
    ) -> None:
        units = write(tmp_path / "u.csv", "code,name,status\nA,甲局,active\nB,乙局,retired\n")
        assert cli("units", "import", units).code == 0
        data = write(tmp_path / "d.csv", "text,unit\nx,甲局\ny,乙局\n")

        ran = cli("train", "--data", data, "--kind", "constant")

        assert ran.code == 1
        assert f"{data}, line 3, unit: '乙局' is retired without a successor" in ran.err

    def test_an_unknown_unit_in_test_data_is_refused_and_not_added(
        self, cli: Cli, tmp_path: Path
    ) -> None:
        data = write(tmp_path / "d.csv", "text,unit\nx,甲局\ny,乙局\n")
        cli("train", "--data", data, "--kind", "constant", "--promote")

        ran = cli("evaluate", write(tmp_path / "e.csv", "text,unit\nx,丁局\n"))

        assert ran.code == 1
        assert "'丁局' is unknown" in ran.err
        assert "丁局" not in cli("units", "list").out

    def test_data_without_labels_is_refused(self, cli: Cli, tmp_path: Path) -> None:
        ran = cli("train", "--data", write(tmp_path / "d.csv", "text,category\nx,甲\n"))

        assert ran.code == 1
        assert "--column text=NAME --column unit=NAME" in ran.err

    def test_data_of_one_unit_is_refused(self, cli: Cli, tmp_path: Path) -> None:
        ran = cli("train", "--data", write(tmp_path / "d.csv", "text,unit\nx,甲\ny,甲\n"))

        assert ran.code == 1
        assert "at least two units" in ran.err


class TestModelVersions:
    @pytest.fixture
    def version(self, home: Path) -> Path:
        database: Database = open_database(load_settings())
        add_units(database)
        models = load_settings().resolved_models_dir
        name = promote_constant(database, models)
        database.engine.dispose()
        return models / name

    @pytest.mark.parametrize("command", ["promote", "show"])
    def test_an_unknown_version_is_named_with_those_there_are(
        self, cli: Cli, version: Path, command: str
    ) -> None:
        ran = cli("models", command, "linear-of-old")

        assert ran.code == 1
        assert "linear-of-old" in ran.err
        assert version.name in ran.err

    @pytest.mark.parametrize("damage", ["changed", "missing", "manifest", "gone"])
    def test_a_damaged_version_is_not_promoted(self, cli: Cli, version: Path, damage: str) -> None:
        prior = next(path for path in version.iterdir() if path.name != "manifest.json")
        if damage == "changed":
            prior.write_text(prior.read_text() + " ")
        elif damage == "missing":
            prior.unlink()
        elif damage == "manifest":
            (version / "manifest.json").write_text("{}")
        else:
            version.rename(version.with_name("elsewhere"))

        ran = cli("models", "promote", version.name)

        assert ran.code == 1
        assert str(version) in ran.err
        assert "Traceback" not in ran.err

    def test_rolling_back_the_first_champion_is_refused(self, cli: Cli, version: Path) -> None:
        ran = cli("models", "rollback")

        assert (ran.code, "no earlier champion" in ran.err) == (1, True)
