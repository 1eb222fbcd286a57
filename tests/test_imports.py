"""What may be loaded: a producer host needs no machine-learning library."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import ROOMS

HEAVY = ("torch", "transformers", "peft", "trl", "unsloth", "datasets", "sklearn", "scipy", "numpy")


@pytest.mark.parametrize(
    "statement",
    [
        "import core",
        "import producer",
        "import db",
        "import classifier",
        "import registry",
        "from paidan.cli import main",
    ],
)
def test_import_loads_no_machine_learning_library(statement: str) -> None:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [name for name in HEAVY if name in json.loads(done.stdout)] == []


def test_help_loads_no_machine_learning_library_and_fits_a_screen() -> None:
    code = (
        "import sys, atexit; sys.argv = ['paidan', '--help'];"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules]));"
        "from paidan.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    *lines, loaded = done.stdout.splitlines()
    assert loaded == "LOADED []"
    assert len(lines) <= 32
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("room", ROOMS)
def test_an_installed_room_is_ours(room: str) -> None:
    """The top-level packages have common names: another ``db`` on the path would be fatal."""
    found = importlib.import_module(room)

    assert found.__file__ is not None
    assert Path(found.__file__).parent == Path(__file__).parents[1] / room
