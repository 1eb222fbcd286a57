"""Western text is known by its words, and by the letters of their language."""

import pytest

from producer.files.encoding.western_languages import has_western_letters, is_western


@pytest.mark.parametrize(
    "line",
    [
        "La lámpara de la calle no funciona",
        "L’éclairage de la rue est cassé – depuis hier",
        "Die Straße ist nicht beleuchtet",
        "Não há água na rua da escola",
        "La luce della via è rotta",
        "There is a leak in the café of the school",
    ],
)
def test_a_sentence_of_a_recognised_language_is_western(line: str) -> None:
    assert is_western(line)


@pytest.mark.parametrize(
    "line",
    [
        "Jardín",  # no word that tells
        "La lämpara de la calle",  # no letter of Spanish, French or Italian
        "Ðå ëà íà",
        "路灯坏了",
    ],
)
def test_a_word_alone_or_a_foreign_letter_is_not_enough(line: str) -> None:
    assert not is_western(line)


def test_signs_of_punctuation_are_no_letters() -> None:
    assert has_western_letters("¿Dónde está? – «ici» 5 €")
    assert not has_western_letters("þorn")
