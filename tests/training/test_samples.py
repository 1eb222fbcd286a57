"""Samples: what nothing can be learned from is refused before a training, and a hash names them."""

import pytest

from core.errors import InputError, TaxonomyError
from training.samples import Sample, check_samples, data_sha256

UNITS = {"JT": "交通局", "SW": "水务局"}
GOOD = [Sample("公交车不来", "JT"), Sample("水管破裂", "SW")]


def test_two_units_with_a_text_can_be_learned() -> None:
    check_samples(GOOD, UNITS)
    check_samples([*GOOD, Sample("", "SW")], UNITS | {"ZJ": "住建局"})


@pytest.mark.parametrize(
    ("samples", "error", "told"),
    [
        ([], InputError, "nothing to train on"),
        (GOOD[:1] * 3, InputError, "all 3 samples belong to unit JT"),
        ([Sample(" ", "SW"), Sample("", "JT")], InputError, "no sample has a text"),
        ([*GOOD, Sample("x", "XX"), Sample("x", "WW")], TaxonomyError, "lacks: WW, XX"),
    ],
)
def test_what_teaches_nothing_is_refused(
    samples: list[Sample], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        check_samples(samples, UNITS)


def test_the_hash_depends_on_the_samples_and_not_on_their_order() -> None:
    assert data_sha256(GOOD) == data_sha256(GOOD[::-1])
    changed = [
        data_sha256([GOOD[0], other])
        for other in (
            Sample("水管破裂了", "SW"),
            Sample("水管破裂", "JT"),
            Sample("水管破裂", "SW", "漏水"),
            Sample("水管破裂", "SW", weight=0.3),
        )
    ]
    assert len({data_sha256(GOOD), *changed}) == 5
