"""Finds tickets that are the same but for a few words, numbers or signs.

A ticket that was told twice, or copied from a form, must not be learned from and held out at once:
the model would answer it from memory, and its error would look smaller than it is. Near-duplicates
form groups; folds and splits keep each group on one side, and a promise counts it once.

MinHash with banding: Broder, "On the resemblance and containment of documents", 1997; Leskovec,
Rajaraman & Ullman, "Mining of Massive Datasets", section 3.4. What shares a band is compared in
full, so the sketch alone never makes two tickets near-duplicates.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash
from scipy.cluster.hierarchy import DisjointSet

Rows = NDArray[np.int64]

SIMILARITY = 0.7
"""Texts that share this much of their shingles (Jaccard) are near-duplicates.

Measured: between 0.5 and 0.9 the same hotline tickets are found, told again with another heading.
English bank questions of ten words need 0.7: a word of theirs is changed. At 0.6 they form chains
of up to 123 questions that ask for different things, at 0.7 of 17.
"""
SHINGLE = 3
"""Characters of a shingle: longer ones lose a Chinese ticket of 20 characters at one change."""

# A pair as similar as SIMILARITY shares one of the bands with a probability of 0.997.
_BANDS, _BAND = 32, 5
# The sketch errs by 0.04 (standard deviation): pairs under this are not worth a full comparison.
_ESTIMATE = SIMILARITY - 0.15
# Tickets of one band are compared with so many that follow in the alphabet: a form that was sent
# ten thousand times would cost fifty million comparisons, and is connected all the same.
_WINDOW = 16
# What is in memory at once: shingles of texts, pairs, sketches as Python numbers.
_CACHED, _CHUNK, _TOLD = 20_000, 50_000, 5_000

_SIGNS = re.compile(r"[\W_]+")


def group_near_duplicates(texts: Sequence[str]) -> Rows:
    """Return (n,) group numbers from 0, in the order of first appearance; a text alone has its own.

    Similarity is passed on: a text belongs to the group of each of its near-duplicates. The
    grouping does not depend on the order of the texts. All texts without a letter or digit are one
    group: they tell nothing apart.

    Args:
        texts: n of them, as ``core.text.model_text`` made them.
    """
    plain = [normalise(text) for text in texts]
    distinct = sorted(set(plain))
    components = _components(distinct)
    component = {text: components[row] for row, text in enumerate(distinct)}
    numbers: dict[int, int] = {}
    found = [numbers.setdefault(component[text], len(numbers)) for text in plain]
    return np.array(found, dtype=np.int64)


def normalise(text: str) -> str:
    """Return a text without what tells no tickets apart: case, width, spaces and signs.

    Numbers stay: in a short ticket an error's number may be all that tells.
    """
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())


def _components(texts: Sequence[str]) -> DisjointSet:
    """Return the rows of distinct normalised texts, joined where these are near-duplicates."""

    @lru_cache(_CACHED)
    def shingles(row: int) -> frozenset[str]:
        return _shingles(texts[row])

    def similar(one: int, other: int) -> bool:
        shared = len(shingles(one) & shingles(other))
        return shared >= SIMILARITY * (len(shingles(one)) + len(shingles(other)) - shared)

    components = DisjointSet(range(len(texts)))
    for one, other in _candidates(_sketch(texts)).tolist():
        if not components.connected(one, other) and similar(one, other):
            components.merge(one, other)
    return components


def _shingles(text: str) -> frozenset[str]:
    ends = max(1, len(text) - SHINGLE + 1)
    return frozenset(text[at : at + SHINGLE] for at in range(ends))


def _sketch(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return (n, bands x rows) MinHash values."""
    size = _BANDS * _BAND
    sketches = np.empty((len(texts), size), dtype=np.uint32)
    for start in range(0, len(texts), _TOLD):
        some = map(_shingles, texts[start : start + _TOLD])
        rows = RMinHash.digest_matrix_from_token_sets(some, size, 0).to_rows()
        sketches[start : start + _TOLD] = rows
    return sketches


def _candidates(sketches: NDArray[np.uint32]) -> Rows:
    """Return (pairs, 2) rows that share a band and whose sketches are alike, each pair once."""
    count = len(sketches)
    keys = [one * count + other for one, other in _neighbours(sketches)]
    unique = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *keys]))
    pairs = np.stack(np.divmod(unique, max(count, 1)), axis=1)
    alike = [
        (sketches[some[:, 0]] == sketches[some[:, 1]]).mean(axis=1) >= _ESTIMATE
        for some in np.split(pairs, range(_CHUNK, len(pairs), _CHUNK))
    ]
    chosen: Rows = pairs[np.concatenate(alike)]
    return chosen


def _neighbours(sketches: NDArray[np.uint32]) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows that share a band, a (k,) array of the lower ones and one of the higher."""
    for start in range(0, _BANDS * _BAND, _BAND):
        band = np.ascontiguousarray(sketches[:, start : start + _BAND])
        _, keys = np.unique(band, axis=0, return_inverse=True)
        order = np.argsort(keys, kind="stable")
        for step in range(1, _WINDOW + 1):
            same = np.flatnonzero(keys[order[:-step]] == keys[order[step:]])
            if len(same) == 0:
                break
            yield order[same], order[same + step]
