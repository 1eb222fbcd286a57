"""A row may be only so long, in every format."""

import tracemalloc
from pathlib import Path

import pytest

from producer.files.reader import read_rows
from tests.support.tables import (
    HEADER,
)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_an_overlong_row_is_refused_alone_and_never_held(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a text of 8 million characters where 100,000 are the limit
    monkeypatch.setattr("producer.files.rows.MAX_VALUE_CHARS", 100_000)
    long = "漏水" * 4_000_000
    content = {
        ".csv": f"{HEADER}1,一\n2,{long}\n3,三\n",
        ".jsonl": f'{{"text": "一"}}\n{{"text": "{long}"}}\n{{"text": "三"}}\n',
        ".json": f'[{{"text": "一"}},\n{{"text": "{long}"}},\n{{"text": "三"}}]',
    }
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content[suffix].encode())
    del long, content

    tracemalloc.start()
    try:
        rows = list(read_rows(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    texts = [row.values.get("text") for row in rows if row.problem is None]
    assert texts == ["一", "三"]
    assert rows[1].line == (3 if suffix == ".csv" else 2)
    assert rows[1].problem is not None
    assert "longer than 100,000 characters" in rows[1].problem
    assert peak < 6 << 20  # the text alone takes 16 MB in memory
