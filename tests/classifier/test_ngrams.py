"""Kinds of n-grams: which a text has, and which there cannot be."""

import pytest

from classifier.ngrams import NGrams, make_vectorizer, transform

TEXT = ["水管 ab ab"]


def terms(kind: NGrams) -> list[str]:
    names: list[str] = make_vectorizer(kind).fit(TEXT).get_feature_names_out().tolist()
    return names


def test_characters_cross_words_or_stay_inside_them() -> None:
    assert terms(NGrams("char", 3, 3)) == [" ab", "ab ", "b a", "水管 ", "管 a"]
    assert terms(NGrams("char_wb", 3, 3)) == [" ab", " 水管", "ab ", "水管 "]


def test_words_are_what_stands_between_spaces() -> None:
    assert terms(NGrams("word", 1, 2)) == ["ab", "ab ab", "水管", "水管 ab"]


def test_each_kind_has_rows_of_length_one() -> None:
    kinds = [NGrams("char", 1, 2), NGrams("word", 1, 1)]
    vectorizers = [make_vectorizer(kind).fit(TEXT) for kind in kinds]

    matrix = transform(vectorizers, TEXT)

    assert matrix.dtype == "float32"
    assert matrix.multiply(matrix).sum() == pytest.approx(len(kinds))


@pytest.mark.parametrize("wrong", [("char", 0, 1), ("char", 2, 1), ("line", 1, 1)])
def test_what_is_no_n_gram_is_refused(wrong: tuple[str, int, int]) -> None:
    with pytest.raises(ValueError, match=f"no n-grams {wrong[0]} {wrong[1]}-{wrong[2]}"):
        NGrams(*wrong)  # type: ignore[arg-type]
