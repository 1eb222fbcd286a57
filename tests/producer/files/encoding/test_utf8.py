"""UTF-8: a little is enough, in any script."""

from pathlib import Path

import pytest

from tests.support.tables import (
    rows_of,
    table,
    texts_of,
)


@pytest.mark.parametrize("text", ["Ручей", "é", "שלום", "ปัญหา", "😀", "Ñandú", "Ελλάδα"])
def test_a_little_utf8_of_any_script_is_read(csv_file: Path, text: str) -> None:
    assert texts_of(rows_of(csv_file, table(text).encode())) == [text]
