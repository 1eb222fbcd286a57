"""Which files a recipe names, and where they are."""

from pathlib import Path

import pytest

from tests.support.cli import write
from training.adapter.recipe import Recipe
from training.adapter.recipe_paths import named_paths

HERE = Path("/recipes")


@pytest.mark.parametrize(
    ("recipe", "named"),
    [
        ({"soft": {"file": "s.jsonl"}}, {"soft.file": HERE / "s.jsonl"}),
        ({"soft": {"file": "/else/s"}}, {"soft.file": Path("/else/s")}),
        ({"data": {"template": "../t.txt"}}, {"data.template": HERE / "../t.txt"}),
        ({"data": {"template": "duties"}, "soft": {"version": "v"}}, {}),
        ({"data": 1, "soft": {"file": 2}}, {}),  # refused elsewhere
    ],
)
def test_files_are_named_from_the_recipe_s_folder(
    recipe: dict[str, object], named: dict[str, Path]
) -> None:
    assert dict(named_paths(recipe, HERE)) == named


def test_a_recipe_reads_its_paths_from_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes").mkdir()
    write(tmp_path / "recipes" / "r.toml", "[soft]\nfile = 's'\n[data]\ntemplate = 't.txt'\n")
    monkeypatch.chdir(tmp_path)

    recipe = Recipe.read(Path("recipes/r.toml"))

    assert recipe.soft.file == str(tmp_path / "recipes" / "s")
    assert recipe.data.template == str(tmp_path / "recipes" / "t.txt")


def test_a_run_s_copies_take_their_place() -> None:
    kept = {"soft.file": "recipes/1.jsonl", "data.template": "recipes/2.txt"}

    recipe = Recipe().with_files(kept, HERE)

    assert (recipe.soft.file, recipe.soft.missing) == ("/recipes/recipes/1.jsonl", "label")
    assert recipe.data.template == "/recipes/recipes/2.txt"
    assert Recipe().with_files({}, HERE) == Recipe()
