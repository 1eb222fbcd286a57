"""``paidan models export`` writes an LLM version for other programs, and no other kind."""

from pathlib import Path

from core.settings import load_settings
from db import open_database
from tests.support.cli import Cli
from tests.support.llm_versions import added_base, entered, random_llm
from tests.support.make import add_units, promote_constant


def test_a_version_is_exported_by_its_alias(cli: Cli, home: Path, tmp_path: Path) -> None:
    assert home
    models = load_settings().resolved_models_dir
    database = open_database(load_settings())
    add_units(database)
    name = entered(database, random_llm(models, added_base(tmp_path, models, "qwen2")))
    database.engine.dispose()

    ran = cli("models", "export", "candidate", "--format", "merged", "--out", tmp_path / "out")

    assert (ran.code, ran.out.startswith(f"{name} is in {tmp_path / 'out'}")) == (0, True)
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_a_version_of_another_kind_is_refused_in_one_line(
    cli: Cli, home: Path, tmp_path: Path
) -> None:
    assert home
    database = open_database(load_settings())
    add_units(database)
    promote_constant(database, load_settings().resolved_models_dir)
    database.engine.dispose()

    ran = cli("models", "export", "champion", "--format", "adapter", "--out", tmp_path / "out")

    assert ran.code == 1
    assert "LLM versions alone are exported" in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
