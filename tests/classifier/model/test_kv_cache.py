"""Pages of the KV cache: taken by segments, shared, given back, added."""

from types import SimpleNamespace

import torch

from classifier.model.kv_cache import PAGE, SCRAP, head_size
from classifier.model.segment import END, Segment
from tests.support.segments import small_cache


def test_segments_lie_one_after_the_other_on_the_lowest_free_pages() -> None:
    cache = small_cache()
    first, second = Segment([1] * 100, ticket=1), Segment([1] * 100, ticket=2)

    rows = cache.place([first, second])

    assert len(rows) == 2 * PAGE
    assert [*first.rows, *second.rows] == list(rows[:200])
    assert rows[0] // PAGE == SCRAP + 1
    assert (first.pages, second.pages) == ([1], [1, 2])


def test_a_page_is_free_again_when_all_tickets_on_it_are_released() -> None:
    cache = small_cache()
    free = cache.free_pages
    cache.place([Segment([1] * 100, ticket=1), Segment([1] * 100, ticket=2)])

    cache.release(2)
    assert cache.free_pages == free - 1  # the first page has tokens of ticket 1, too
    cache.release(1)

    assert cache.free_pages == free


def test_pages_that_were_given_back_are_taken_before_higher_ones() -> None:
    cache = small_cache()
    one, two = Segment([1], ticket=1), Segment([1], ticket=2)
    cache.place([one])
    cache.place([two])
    cache.release(1)

    again = Segment([1], ticket=3)
    cache.place([again])

    assert again.pages == [1]


def test_releasing_all_frees_the_prefix_too() -> None:
    cache = small_cache()
    free = cache.free_pages
    cache.place([Segment([1] * 300)])

    cache.release_all()

    assert cache.free_pages == free


def test_a_cache_that_grows_keeps_what_it_has() -> None:
    cache = small_cache(pages=1)
    first = Segment([1] * PAGE, ticket=1)
    cache.place([first])
    cache.keys[0, first.rows] = 3.0

    second = Segment([1] * 5 * PAGE, ticket=2)
    cache.place([second])

    assert cache.rows >= 7 * PAGE
    assert cache.values.shape == cache.keys.shape
    assert (cache.keys[0, first.rows] == 3.0).all()
    assert not set(first.rows) & set(second.rows)


def test_a_steady_cache_leaves_a_part_to_labels_and_another_has_room_without_end() -> None:
    steady = small_cache(16, steady=True)

    assert (steady.free_rows, steady.room) == (16 * PAGE, 14 * PAGE)
    assert (small_cache().free_rows, small_cache().room) == (END, END)


def test_a_head_is_as_large_as_the_configuration_says_or_its_share_of_the_hidden_size() -> None:
    shared = SimpleNamespace(hidden_size=128, num_attention_heads=4)

    assert head_size(shared) == 32
    assert head_size(SimpleNamespace(**vars(shared), head_dim=64)) == 64
    assert head_size(SimpleNamespace(**vars(shared), head_dim=None)) == 32
    assert small_cache().keys.dtype == torch.float32
