"""N-grams: which are kept, and which texts have none."""

import pytest

from classifier.ngrams import NGrams
from core.errors import InputError
from training.linear.features import FEW_SAMPLES, name_of, vectorize

ONE = (NGrams("char", 1, 1),)
BOTH = (NGrams("word", 1, 1), NGrams("char", 1, 1))


def test_an_n_gram_seen_once_counts_only_where_samples_are_few() -> None:
    many = ["公交" if n % 2 else "水管" for n in range(FEW_SAMPLES)] + ["甲乙"]

    few_names = vectorize(["水管破裂", "公交"], ONE)[0][0].get_feature_names_out()
    many_names = vectorize(many, ONE)[0][0].get_feature_names_out()

    assert "裂" in few_names
    assert "甲" not in many_names


def test_the_columns_of_several_kinds_stand_side_by_side() -> None:
    vectorizers, matrix = vectorize(["ab ab", "ba"], BOTH)

    names = [vectorizer.get_feature_names_out().tolist() for vectorizer in vectorizers]
    assert names == [["ab", "ba"], [" ", "a", "b"]]
    assert (matrix.shape, matrix.dtype) == ((2, 5), "float32")
    assert name_of(BOTH) == "word 1-1 and char 1-1"


def test_texts_without_an_n_gram_are_refused() -> None:
    with pytest.raises(InputError, match="too short or too different"):
        vectorize(["水", "车"], (NGrams("char", 2, 4),))
