"""The modes."""

import subprocess
import sys
from typing import get_args

from classifier.model.mode import Mode
from core.settings import ModelMode


def test_the_settings_offer_all_modes_but_the_unquantised_one() -> None:
    assert {*get_args(Mode)} == {*get_args(ModelMode), "full"}


def test_who_names_a_mode_loads_no_torch() -> None:
    code = "import sys, classifier.model.mode; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
