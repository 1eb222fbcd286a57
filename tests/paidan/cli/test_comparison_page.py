"""A comparison's page is whole in itself, and text in it stays text."""

import re
from html.parser import HTMLParser

import pytest

from paidan.cli.comparison_page import comparison_page
from tests.support.judged import Scripted
from training.contrast.contrast import Contrast, contrast
from training.samples import Sample

EVIL = "<script>alert('局')</script>"


@pytest.fixture
def found() -> Contrast:
    samples = [Sample(f"{n * 7919} {n}", "AB"[n % 2]) for n in range(20)]
    first = Scripted("v1", lambda text: "A", probability=0.6)
    second = Scripted("v2", lambda text: "AB"[int(text.split()[1]) % 2], probability=0.8)
    return contrast(first, second, samples, frozenset("AB"))


class Elements(HTMLParser):
    """Gathers a page's elements and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_it_tells_figures_units_and_pairs(found: Contrast) -> None:
    page = Elements(comparison_page(found, {"A": "甲局", "B": "乙局"}, "labelled.csv"))

    said = " ".join(page.texts)
    for told in ("v1", "v2", "20 tickets", "labelled.csv", "+0.5000", "甲局", "乙局 → 甲局"):
        assert told in said
    assert page.names.count("svg") == 3
    assert "Both right: 10. First alone: 0. Second alone: 10. Neither: 0." in said


def test_names_are_text_whatever_they_say(found: Contrast) -> None:
    page = comparison_page(found, {"A": EVIL, "B": '"><img src=x onerror=alert(1)>'}, EVIL)

    elements = Elements(page)
    assert not {"script", "img", "iframe", "link", "object"} & set(elements.names)
    assert EVIL in elements.texts
    assert all(address.startswith("#") for address in elements.fetched)


def test_a_browser_is_told_to_fetch_and_run_nothing(found: Contrast) -> None:
    page = comparison_page(found, {}, "labelled.csv")

    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert re.search(r"\son\w+=", page) is None
