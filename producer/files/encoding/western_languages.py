"""Western text in one byte a character: which language, if any, its words are of.

Every byte sequence is valid in such an encoding, and a dozen of them differ in some letters. Only
words tell: cp1252 is read where its words are of a language that cp1252 is for, and its accented
letters are that language's.
"""

import re

_WORD = re.compile(r"[^\W\d_]+")
# Frequent short words, and the accented letters, of the languages that are recognised.
_LANGUAGES = {
    "spanish": (
        "de la el que en los las por con para una del no se su es al lo hay muy está desde calle",
        "áéíóúüñÁÉÍÓÚÜÑ",
    ),
    "french": (
        "de la le les des et est un une du en que pas dans pour sur au il ne depuis rue à qui",
        "àâæçèéêëîïôœùûüÿÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸ",
    ),
    "german": (
        "der die das und ist nicht ein eine den von mit auf im zu seit es sich straße wird für",
        "äöüßÄÖÜé",
    ),
    "portuguese": (
        "de que não os as um uma do da em para com no na dos das por se há está rua é foi",
        "àáâãçéêíóôõúüÀÁÂÃÇÉÊÍÓÔÕÚ",
    ),
    "italian": (
        "di che il la le per un una del non in con da è si sono della nel via i",
        "àèéìòùÀÈÉÌÒÙ",
    ),
    "english": (
        "the of and to in is for on that it was with at this my there are near not has been",
        "éèêïöüñçàâôáíóä",
    ),
}
_WORDS = {
    language: (frozenset(words.split()), frozenset(letters))
    for language, (words, letters) in _LANGUAGES.items()
}
_PUNCTUATION = frozenset("¿¡«»°§·–—‘’“”„…€£")
_ALL_LETTERS = frozenset().union(*(letters for _, letters in _WORDS.values()))
_MIN_WORDS = 2


def _marks(text: str) -> set[str]:
    return {character for character in text if character > "\x7f"} - _PUNCTUATION


def is_western(line: str) -> bool:
    """Say whether a line is of one of the recognised languages, by its words and letters."""
    words = {word.casefold() for word in _WORD.findall(line)}
    marks = _marks(line)
    return any(
        len(words & frequent) >= _MIN_WORDS and marks <= letters
        for frequent, letters in _WORDS.values()
    )


def has_western_letters(text: str) -> bool:
    """Say whether a text has no letter but those of the recognised languages."""
    return _marks(text) <= _ALL_LETTERS
