"""A file whose encoding is not clear is refused with the candidates."""

from pathlib import Path

import pytest

from core.errors import InputError
from tests.support.tables import (
    CHINESE,
    rows_of,
    table,
)


@pytest.mark.parametrize(
    ("content", "candidates"),
    [
        (table("路灯").encode("gb18030"), ("gb18030", "'路灯'")),
        (table("Jardín").encode("cp1252"), ("cp1252", "Jardín")),
        (table("Ручей разлился").encode("cp1251"), ("gb18030",)),
        (table("染水源一").encode("gb18030"), ("gb18030", "染水源一")),
        (table("道路の照明").encode("iso2022_jp"), ("iso2022_jp", "道路の照明")),
        (table("路灯坏了").encode("hz"), ("hz", "路灯坏了")),
        (table("10時〜12時に騒音がします", "街灯が壊れています").encode("shift_jis"), ("cp932",)),
    ],
    ids=["short", "one accent", "cyrillic", "valid utf-8", "iso-2022", "hz", "wave dash"],
)
def test_what_is_not_clear_is_refused_with_the_candidates_and_the_cure(
    csv_file: Path, content: bytes, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match="--encoding NAME") as refusal:
        rows_of(csv_file, content)

    assert "line 2: the encoding is not clear" in str(refusal.value)
    for candidate in candidates:
        assert candidate.strip("'") in str(refusal.value)


def test_a_file_half_gb18030_half_big5_is_refused_with_the_line(csv_file: Path) -> None:
    content = table(*CHINESE * 5).encode("gb18030") + "99,路燈壞了，請儘快派人修理\n".encode("big5")

    with pytest.raises(InputError, match="line 17: the encoding is not clear"):
        rows_of(csv_file, content)
