"""A reading of the sampled lines: plausible in itself, or not."""

import io

import pytest

from producer.files.encoding.line_sample import LineSample, take_sample
from producer.files.encoding.reading import read_sample
from tests.support.tables import CHINESE, TEXTS, table

CODECS = {"big5": "cp950", "shift_jis": "cp932", "euc_kr": "cp949"}


def sample_of(text: str, encoding: str) -> LineSample:
    return take_sample(io.BytesIO(text.encode(encoding)), None)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "euc_kr", "cp1252"])
def test_a_few_sentences_are_clear_in_the_encoding_that_wrote_them(encoding: str) -> None:
    sample = sample_of(table(*TEXTS[encoding]), encoding)

    assert read_sample(sample, CODECS.get(encoding, encoding)).is_clear()


@pytest.mark.parametrize(("written", "read"), [("gb18030", "cp1252"), ("gb18030", "cp949")])
def test_they_are_not_clear_in_another_one(written: str, read: str) -> None:
    assert not read_sample(sample_of(table(*CHINESE), written), read).is_clear()


def test_a_known_column_name_makes_a_reading_more_plausible() -> None:
    known = read_sample(sample_of("诉求内容\n", "gb18030"), "gb18030")
    unknown = read_sample(sample_of("求诉容内\n", "gb18030"), "gb18030")

    assert known.total == pytest.approx(unknown.total - 8.0)


def test_utf8_with_many_damaged_rows_is_clear_and_gb18030_is_not() -> None:
    lines = [f"第{number}号路灯坏了".encode()[:-1] + b"\n" for number in range(9)]
    utf8 = read_sample(take_sample(io.BytesIO(b"".join(lines)), None), "utf-8")
    cut = [f"第{number}号路灯坏了".encode("gb18030")[:-1] + b"\n" for number in range(9)]
    gb18030 = read_sample(take_sample(io.BytesIO(b"".join(cut)), None), "gb18030")

    assert (utf8.is_clear(), gb18030.is_clear()) == (True, False)
