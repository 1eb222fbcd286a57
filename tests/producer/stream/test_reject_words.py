"""What is kept of an entry that is no ticket."""

import pytest

from producer.stream.entries import Entry
from producer.stream.reject_words import reject_words

MB = 1_000_000


def kept_of(fields: dict[bytes, bytes], external_id: str | None = None) -> dict[bytes, bytes]:
    size = sum(map(len, (*fields, *fields.values())))
    words = reject_words(Entry("1-0", size, fields), "text: too long", external_id)
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    "fields",
    [
        {b"text": "漏水".encode() * MB, b"external_id": b"7"},
        {b"n" * MB: b"", b"external_id": b"7"},
        {b"f%d" % n: b"" for n in range(100_000)} | {b"external_id": b"7"},
    ],
    ids=["a long value", "a long name", "many fields"],
)
def test_a_reject_keeps_a_few_kb_and_what_names_the_ticket(fields: dict[bytes, bytes]) -> None:
    kept = kept_of(fields)

    assert sum(map(len, (*kept, *kept.values()))) < 4000
    assert kept[b"external_id"] == b"7"
    assert int(kept[b"rejected_bytes"]) == sum(map(len, (*fields, *fields.values())))
    kept.get(b"text", b"").decode()  # not cut within a character


def test_a_cut_json_object_keeps_its_external_id_beside_it() -> None:
    assert kept_of({b"json": b"[" * MB}, "7")[b"rejected_external_id"] == b"7"
    assert b"rejected_external_id" not in kept_of({b"json": b"[]"}, "7")
