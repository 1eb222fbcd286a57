"""An encoding that the user names is checked, and taken where the evidence is thin."""

from pathlib import Path

import pytest

from core.errors import InputError
from tests.support.tables import (
    CHINESE,
    HEADER,
    rows_of,
    table,
    texts_of,
)


@pytest.mark.parametrize("named", ["klingon", "", "base64"])
def test_an_unknown_encoding_is_refused_by_its_name(csv_file: Path, named: str) -> None:
    with pytest.raises(InputError, match=f"--encoding '{named}' is no known encoding"):
        rows_of(csv_file, f"{HEADER}1,一\n", named)


@pytest.mark.parametrize("named", ["utf-8", "utf-16"])
@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl"])
def test_a_wrong_encoding_is_refused_with_the_option_that_mends_it(
    tmp_path: Path, suffix: str, named: str
) -> None:
    content = {
        ".csv": "text\n路灯坏了\n",
        ".json": '[{"text": "路灯坏了"}]',
        ".jsonl": '{"text": "路灯坏了"}',
    }

    with pytest.raises(InputError, match=r"not utf-\S+ text .* with --encoding"):
        rows_of(tmp_path / f"t{suffix}", content[suffix].encode("gb18030"), named)


@pytest.mark.parametrize("named", ["gb18030", "big5", "latin-1"])
def test_a_named_encoding_that_would_garble_utf8_is_refused(csv_file: Path, named: str) -> None:
    with pytest.raises(InputError, match=r"this is UTF-8 text, not .*leave --encoding out"):
        rows_of(csv_file, table(*CHINESE).encode(), named)


def test_a_named_encoding_against_the_files_mark_is_refused(csv_file: Path) -> None:
    with pytest.raises(InputError, match="begins with the mark of utf-16, not gb18030"):
        rows_of(csv_file, table(*CHINESE).encode("utf-16"), "gb18030")


def test_a_named_encoding_is_taken_where_the_evidence_is_thin(csv_file: Path) -> None:
    assert texts_of(rows_of(csv_file, table("路灯").encode("gb18030"), "gb18030")) == ["路灯"]
    assert texts_of(rows_of(csv_file, table("Jardín").encode("cp1252"), "latin-1")) == ["Jardín"]


@pytest.mark.parametrize("named", ["gb2312", "GBK", "cp936"])
def test_gb2312_is_taken_with_all_that_was_added_to_it(csv_file: Path, named: str) -> None:
    texts = ("朱镕基路的路灯坏了", "路燈壞了")

    assert texts_of(rows_of(csv_file, table(*texts).encode("gb18030"), named)) == [*texts]
