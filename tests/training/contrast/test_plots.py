"""The pictures of a contrast stand side by side on a page and ask for nothing."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.support.judged import Scripted
from training.contrast.contrast import Contrast, contrast
from training.contrast.plots import pictures
from training.samples import Sample


@pytest.fixture
def found() -> Contrast:
    samples = [Sample(f"{n * 7919} {n}", "AB"[n % 2]) for n in range(20)]
    first = Scripted("v1", lambda text: "A", probability=0.6)
    second = Scripted("v2", lambda text: "AB"[int(text.split()[1]) % 2], probability=0.8)
    return contrast(first, second, samples, frozenset("AB"))


def test_each_picture_is_an_svg_whose_ids_are_its_own(found: Contrast) -> None:
    drawn = list(pictures(found).values())

    ids = [set(re.findall(r'id="([^"]+)"', picture)) for picture in drawn]
    assert len(drawn) == 3
    assert len(set.union(*ids)) == sum(map(len, ids)) > 0
    for picture, names in zip(drawn, ids, strict=True):
        assert ET.fromstring(picture).tag.endswith("svg")
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', picture)) <= names


def test_a_picture_holds_no_script_and_no_address(found: Contrast) -> None:
    for picture in pictures(found).values():
        assert "<script" not in picture
        addresses = set(re.findall(r'="(https?://[^"]+)"', picture))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_same_answers_are_drawn_alike(found: Contrast) -> None:
    assert pictures(found) == pictures(found)
