"""Soft labels of a file: found by text or hash, and refused with line and cure."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.text import model_text
from tests.support.cli import jsonl, write
from training.adapter.soft.file import file_probabilities
from training.adapter.soft.targets import Chances
from training.gate.tickets import text_hash
from training.samples import Sample

SAMPLES = [
    Sample(model_text("路灯", "路灯坏了，电话 13812345678"), "A", source="line 4"),
    Sample("学校不让报名", "B", source="line 7"),
]
FIRST = {"title": "路灯", "text": "路灯坏了，电话 13812345678", "units": {"A": 0.9, "B": 0.1}}
SECOND = {"sha256": text_hash(SAMPLES[1].text), "units": {"B": 0.5, "C": 0.3, "D": 0.2}}


def read(path: Path, taught: str = "ABC") -> Chances:
    return file_probabilities(path, SAMPLES, list(taught), "ABCD")


def test_tickets_are_found_by_their_words_or_by_their_hash(tmp_path: Path) -> None:
    other = {"text": "别的事", "units": {"D": 1}}
    path = jsonl(tmp_path / "soft.jsonl", other, SECOND, FIRST)

    found = read(path)

    # What is told of D, which has no samples, is divided among the others
    assert np.allclose(found, [[0.9, 0.1, 0], [0, 0.625, 0.375]])


def test_a_line_that_names_units_without_samples_alone_says_nothing(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "soft.jsonl", FIRST | {"units": {"D": 1.0}}, SECOND)

    assert read(path)[0].tolist() == [0, 0, 0]


def test_a_few_digits_are_enough(tmp_path: Path) -> None:
    thirds = FIRST | {"units": {"A": 0.333, "B": 0.333, "C": 0.333}}
    path = jsonl(tmp_path / "soft.jsonl", thirds, SECOND)

    assert np.allclose(read(path)[0], 1 / 3)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"units": {"A": 0.5, "X": 0.5}}, "unit X is not in the taxonomy: add it"),
        ({"units": {"A": 0.5, "B": 0.4}}, "the probabilities sum to 0.9, not to 1: divide each"),
        ({"units": {"A": 1.5, "B": -0.5}}, "unit A has no probability from 0 to 1"),
        ({"units": {"A": "1"}}, "unit A has no probability from 0 to 1"),
        ({"units": {"A": 10**400}}, "unit A has no probability from 0 to 1"),
        ({"units": {"A": float("nan")}}, "unit A has no probability from 0 to 1"),
        ({"units": {"A": None}}, "unit A has no probability from 0 to 1"),
        ({"sha256": "abc"}, "sha256 has not the 64 digits"),
        ({"units": {"A": True}}, "unit A has no probability from 0 to 1"),
        ({"units": {}}, "the probabilities sum to 0, not to 1"),
        ({"units": ["A"]}, "has no units: write lines like"),
        ({"text": None}, "names no ticket: give its text or sha256"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_with_its_cure(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    path = jsonl(tmp_path / "soft.jsonl", SECOND, FIRST | changed)

    with pytest.raises(InputError, match=r"soft\.jsonl line 2") as refused:
        read(path)
    assert told in str(refused.value)


def test_a_ticket_without_a_line_is_named_by_its_place(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "soft.jsonl", FIRST)

    with pytest.raises(InputError, match=r"no line for 1 of the 2 .* \(the first: line 7\): add a"):
        read(path)


def test_a_ticket_with_two_lines_names_both(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "soft.jsonl", FIRST, SECOND, FIRST)

    with pytest.raises(InputError, match="line 3: the ticket of line 1 once more"):
        read(path)


def test_a_text_may_hold_the_breaks_that_json_leaves_as_they_are(tmp_path: Path) -> None:
    odd = Sample("路灯\u2028坏了\x85，\u2029很黑", "A")
    line = json.dumps({"text": odd.text, "units": {"A": 1}}, ensure_ascii=False)
    path = write(tmp_path / "soft.jsonl", f"\ufeff{line}\r\n")

    assert file_probabilities(path, [odd], ["A", "B"], "AB").tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "line 1 is not JSON"),
        (b"[" * 99_999, r"line 1 is not JSON \(it is nested too deeply"),
        (b"\n\n[]", "line 3 has no units"),
        (b"\xff", "are not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_from_one_that_can(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "soft.jsonl"
    if content is not None:
        write(path, content)

    with pytest.raises(InputError, match=told):
        read(path)


def test_tickets_and_units_of_later_can_be_left_to_the_labels(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "soft.jsonl", FIRST | {"units": {"A": 0.5, "GONE": 0.5}})

    found = file_probabilities(path, SAMPLES, list("ABC"), "ABCD", "label")

    assert found.tolist() == [[1, 0, 0], [0, 0, 0]]
