"""What a model sees of a ticket: title and text joined and masked, and how long that will be."""

import pytest

from core.text import estimate_tokens, model_text


def test_title_and_text_are_joined_and_masked() -> None:
    assert model_text("漏水", "请打13812345678") == "漏水\n请打[电话]"


@pytest.mark.parametrize("title", [None, "", "漏水"])
def test_a_title_that_adds_nothing_is_left_out(title: str | None) -> None:
    assert model_text(title, "漏水") == "漏水"


def test_estimates_grow_with_the_text_and_count_the_title() -> None:
    assert estimate_tokens(None, "水" * 1000) == 4 + 700
    assert estimate_tokens(None, "w" * 1000) == 4 + 300
    assert estimate_tokens("水" * 10, "水" * 990) == estimate_tokens(None, "水" * 1000)
    assert estimate_tokens(None, "") > 0
