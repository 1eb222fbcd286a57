"""Which cells hold something."""

from typing import Any

import pytest

from producer.files.cells import is_empty, width_of


@pytest.mark.parametrize(
    ("cell", "empty"),
    [(None, True), ("", True), (" \n\u3000", True), ("-", False), (0, False), (False, False)],
)
def test_white_space_is_nothing_and_zero_is_something(cell: Any, empty: bool) -> None:
    assert is_empty(cell) is empty


def test_a_records_width_ends_with_its_last_cell_that_holds_something() -> None:
    assert width_of(["", "a", None, 0, " ", None]) == 4
    assert width_of(["", None]) == width_of([]) == 0
