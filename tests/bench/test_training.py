"""The training's benchmark runs on a small base: recipe, fast path and relatives learn alike."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from bench.training import TICKETS_A_STEP, Bench, distance, main, measure, recipe_of, told
from bench.training_rows import ROWS, TABLES
from tests.support.models import UNITS, random_base

STEPS = 2
PLACES = "东南西北中山河桥"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    base = random_base(tmp_path_factory.mktemp("base") / "small")
    texts = [f"{PLACES[n % 8]}街{PLACES[n // 8 % 8]}路的路灯坏了{n}天" for n in range(32)]
    recipe = recipe_of("dispatch", STEPS, rate=1e-3, dropout=0.0)
    recipe.training["optim"] = "adamw_torch"
    return Bench(base, texts[: TICKETS_A_STEP * STEPS], UNITS, recipe, None, warm=0)


def test_all_tables_have_rows() -> None:
    assert {name for names in TABLES.values() for name in names} == set(ROWS)


def test_each_way_of_the_fast_path_has_the_recipes_losses(bench: Bench) -> None:
    names = ("recipe", "fast", "fast, all recomputed", "fast, 2 tickets at a time", "fast, fp32")

    rows = {name: measure(bench, ROWS[name]) for name in names}

    expected = rows["recipe"]["losses"]
    assert len(expected) == STEPS
    for name in names:
        assert rows[name]["losses"] == pytest.approx(expected, rel=1e-3), name
        assert rows[name]["tickets_per_s"] > 0
    assert distance(rows)["losses"]["most"] < 1e-3
    assert told(rows["fast"])["losses"] == [rows["fast"]["losses"][n] for n in (0, -1)]


def test_the_command_runs_each_row_apart_and_keeps_what_has_run(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tickets, units, out = (tmp_path / name for name in ("t.jsonl", "u.json", "out.json"))
    tickets.write_text("\n".join(json.dumps({"text": text}) for text in bench.texts))
    units.write_text(json.dumps([unit.name for unit in UNITS]))
    known = {"tickets_per_s": 1.0, "step_s": 16.0, "peak_gib": 0, "process_gib": 0, "losses": [7.0]}
    out.write_text(json.dumps({"recipe": known}))
    files = ["--base", bench.base.path, "--tickets", tickets, "--units", units, "--out", out]

    given = [*map(str, files), "--rows", "recipe; fast", "--steps", "2"]
    monkeypatch.setattr(sys, "argv", ["bench.training", *given])
    main()

    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert rows["recipe"] == known | {"losses": [7.0, 7.0]}
    assert rows["fast"]["tokens"] > rows["fast"]["prefix"] > 0
    assert json.loads(out.read_text()).keys() == {"recipe", "fast"}


@pytest.mark.skipif(find_spec("prefix_grouper") is None, reason="pip install prefix-grouper")
def test_prefix_grouper_learns_the_same_where_it_is_installed(bench: Bench) -> None:
    ours, theirs = (measure(bench, ROWS[name]) for name in ("fast", "prefix-grouper"))

    assert theirs["losses"] == pytest.approx(ours["losses"], rel=1e-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here: make test-gpu")
@pytest.mark.filterwarnings("ignore")
def test_on_a_gpu_the_fast_path_has_the_recipes_losses(bench: Bench) -> None:
    for answers in ("", ", answers"):
        rows = {
            f"{way}{answers}": measure(bench, ROWS[f"{way}{answers}"]) for way in TABLES["curves"]
        }

        assert distance(rows)[f"losses{answers}"]["most"] < 0.02


def test_losses_are_compared_by_steps_and_by_means() -> None:
    rows = {"recipe": {"losses": [2.0, 1.0]}, "fast": {"losses": [2.2, 0.9]}}

    assert distance(rows) == {
        "losses": {"mean": 0.1, "most": pytest.approx((1.55 - 1.5) / 1.5, abs=1e-5)}
    }
    assert distance({"fast": rows["fast"]}) == {}
