"""Which n-grams a linear model may read, and the matrix of the texts' n-grams."""

from collections.abc import Sequence

from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.ngrams import NGrams, make_vectorizer
from core.errors import InputError

Features = tuple[NGrams, ...]

FEATURES: tuple[Features, ...] = (
    (NGrams("char", 1, 2),),
    (NGrams("char", 1, 3),),
    (NGrams("char", 2, 4),),
    (NGrams("word", 1, 2), NGrams("char_wb", 2, 4)),
)
"""What selection tries. Measured: the first is best on Chinese tickets, the last two on English."""

# Of a kind, the most frequent. Measured: 20,000 n-grams of up to three characters cost 1.5 points
# of accuracy on synthetic tickets beside 60,000; 50,000 cost nothing beyond noise.
MAX_NGRAMS = 50_000
# Under so many samples an n-gram seen once is kept: there may be no other.
FEW_SAMPLES = 200


def vectorize(texts: Sequence[str], features: Features) -> tuple[list[TfidfVectorizer], csr_matrix]:
    """Return a fitted vectorizer for each kind, and the (n, n-grams) float32 matrix of the texts.

    Raises:
        InputError: no n-gram of a kind is common enough to learn from.
    """
    fewest = 1 if len(texts) < FEW_SAMPLES else 2
    vectorizers = [
        make_vectorizer(kind, min_df=fewest, max_features=MAX_NGRAMS) for kind in features
    ]
    try:
        matrices = [vectorizer.fit_transform(texts) for vectorizer in vectorizers]
    except ValueError as error:
        raise InputError(
            f"the samples' texts are too short or too different to learn from ({error}): check "
            "which column was imported as the text"
        ) from error
    return vectorizers, hstack(matrices, format="csr")


def name_of(features: Features) -> str:
    """Return the kinds in words, such as ``word 1-2 and char_wb 2-4``."""
    return " and ".join(map(str, features))
