"""One fit: n-grams of the texts, and a row of coefficients for every unit."""

import numpy as np
import pytest

from core.errors import InputError
from training.linear.regression import FEW_SAMPLES, Data, fit, vectorize

TEXTS = ["公交车不来", "公交站太远", "水管破裂", "自来水停了"]


def data_of(texts: list[str], classes: int = 2) -> Data:
    return Data(texts, np.arange(len(texts)) * classes // len(texts), classes)


def test_two_classes_have_a_row_each_and_answer_right() -> None:
    data = data_of(TEXTS)
    vectorizer, matrix = vectorize(data, (1, 2))

    coef, intercept = fit(matrix, data.labels, 30.0, data.classes)

    assert coef.shape == (2, len(vectorizer.get_feature_names_out()))
    assert coef.dtype == np.float32
    assert ((matrix @ coef.T + intercept).argmax(axis=1) == data.labels).all()


def test_an_n_gram_seen_once_counts_only_where_samples_are_few() -> None:
    many = data_of([f"{'公交' if n % 2 else '水管'}" for n in range(FEW_SAMPLES)] + ["甲乙"])

    few_names = vectorize(data_of(TEXTS), (1, 1))[0].get_feature_names_out()
    many_names = vectorize(many, (1, 1))[0].get_feature_names_out()

    assert "裂" in few_names
    assert "甲" not in many_names


def test_rows_are_taken_with_their_labels() -> None:
    taken = data_of(TEXTS).take(np.array([3, 0]))

    assert (taken.texts, taken.labels.tolist()) == ([TEXTS[3], TEXTS[0]], [1, 0])


def test_texts_without_an_n_gram_are_refused() -> None:
    with pytest.raises(InputError, match="too short or too different"):
        vectorize(data_of(["水", "车"]), (2, 4))
