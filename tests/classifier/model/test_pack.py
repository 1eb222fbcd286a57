"""The layout of a forward."""

from classifier.model.pack import BEST, Pack
from classifier.model.segment import PREFIX, Segment
from tests.support.segments import small_cache


def test_a_pack_tells_of_each_token_whose_it_is_and_where_it_stands() -> None:
    cache = small_cache()
    prefix = Segment([1, 2, 3])
    Pack(cache, [prefix])

    pack = Pack(cache, [Segment([5, 6], prefix, 7, 3), Segment([8], prefix, 9, 30, 40)])

    assert pack.ids.tolist() == [5, 6, 8]
    assert pack.tickets.tolist() == [7, 7, 9]
    assert pack.positions.tolist() == [3, 4, 3]
    assert pack.order.tolist() == [3, 4, 30]
    assert pack.stops.tolist()[2] == 40
    assert (pack.lengths.tolist(), pack.starts.tolist()) == ([2, 1], [0, 2])
    assert pack.rows.tolist() == [row for segment in pack.segments for row in segment.rows]
    assert Pack(cache, [Segment([1])]).tickets.tolist() == [PREFIX]


def test_questions_name_their_place_by_its_number_among_the_places() -> None:
    pack = Pack(small_cache(), [Segment([5, 6, 7])], [(1, [10, 11]), (2, [BEST])])

    assert pack.places.tolist() == [1, 2]
    which, tokens = pack.questions
    assert which.tolist() == [0, 0, 1]
    assert tokens.tolist() == [10, 11, BEST]
