"""UTF-16 and UTF-32 are known without a byte order mark."""

import pytest

from producer.files.encoding.utf16 import find_utf16, is_utf16
from tests.support.tables import CHINESE, table

ENCODINGS = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [table(*CHINESE), "external_id,text\n1,leak\n"])
def test_a_table_is_recognised(encoding: str, text: str) -> None:
    assert find_utf16(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    "head", [b"id\x00,\x01\x02", b"\x00" * 100, b"\x7fELF\x02\x01\x01\x00" * 9]
)
def test_a_binary_file_is_none(head: bytes) -> None:
    assert find_utf16(head) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_named_one_is_checked(encoding: str) -> None:
    other = {"le": "be", "be": "le"}[encoding[-2:]]
    content = table(*CHINESE).encode(encoding)

    assert is_utf16(content, encoding)
    assert not is_utf16(content, encoding[:-2] + other)
    assert not is_utf16(content, "utf-16" if "32" in encoding else "utf-32")
