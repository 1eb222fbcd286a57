r"""Withhold units from a model, and write what it says of their tickets, for ``bench.no_unit``.

    python -m bench.no_unit_dump --data DIRECTORY --out DIRECTORY [--draws 5] [--withheld 10] \
        [--base DIRECTORY [--recipe FILE.toml]] [--tickets 100]

DIRECTORY is banking77's, or holds another set that ``bench.samples`` reads.
Each draw withholds some units; a model is trained, as the product trains it, on the tickets of the
others, a tenth of them held out. With ``--base`` an LLM is trained beside the linear model, which
needs a GPU for real bases. ``--tickets`` takes so many of each part, to try the way out.

A draw is a file draw-N.npz. Its parts are ``learned``, ``held`` (the tenth), ``known`` (test
tickets of taught units) and ``strangers`` (all tickets of withheld units). Of each part it has
``PART_labels`` (n,), the numbers of the right units, -1 for strangers, ``PART_linear`` (n, units)
logits and ``PART_tfidf`` (n, 256), its texts; of an LLM also ``PART_head`` and ``PART_names``
(n, units), where the version has them, and ``PART_hidden`` (n, hidden) float16, the final hidden
state at the answer's place.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from bench.no_unit_parts import PARTS, Arrays, Parts, divide, labels_of, numbers_of
from bench.samples import read_part
from classifier.linear_model import LinearWeights
from classifier.version_files import read_manifest
from training.linear.version import train_linear

_TFIDF_WIDTH = 256


def main() -> None:
    """Train and dump, draw by draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="train.csv, test.csv")
    parser.add_argument("--out", type=Path, required=True, help="a directory for draw-N.npz")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first draw's number")
    parser.add_argument("--withheld", type=int, default=10, help="units")
    parser.add_argument("--base", type=Path, help="an LLM's base, by its directory")
    parser.add_argument("--recipe", type=Path, help="a TOML file over the base's recipe")
    parser.add_argument("--tickets", type=int, help="of each part, at most")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train, test = (read_part(options.data, part) for part in ("train", "test"))
    told = []
    for draw in range(options.first, options.first + options.draws):
        began = time.perf_counter()
        parts = divide(train, test, draw, options.withheld, options.tickets)
        arrays = linear_arrays(parts, draw)
        if options.base:
            from bench.no_unit_llm import llm_arrays  # here: the linear model needs no torch

            arrays |= llm_arrays(parts, options.base, options.recipe)
        np.savez(options.out / f"draw-{draw}.npz", **arrays)
        told.append({part: len(parts[part]) for part in PARTS})
        print(f"draw {draw}: {told[-1]} in {time.perf_counter() - began:.0f} s", flush=True)
    print(json.dumps({"out": str(options.out), "draws": told}))


def linear_arrays(parts: Parts, seed: int) -> Arrays:
    """Train the linear model; return labels, its logits, and the texts as short vectors."""
    numbers = numbers_of(parts)
    with tempfile.TemporaryDirectory(prefix="paidan-no-unit-") as folder:
        names = {code: code for code in numbers}
        version = train_linear(parts["learned"], names, models_dir=Path(folder), seed=seed)
        weights = LinearWeights.load(version.path, read_manifest(version.path))
    texts = {part: [sample.text for sample in parts[part]] for part in PARTS}
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts["learned"])
    svd = TruncatedSVD(min(_TFIDF_WIDTH, min(matrix.shape) - 1), random_state=seed).fit(matrix)
    arrays: Arrays = {}
    for part in PARTS:
        arrays[f"{part}_labels"] = labels_of(parts[part], numbers)
        arrays[f"{part}_linear"] = weights.logits(texts[part])
        vectors = svd.transform(vectorizer.transform(texts[part]))
        arrays[f"{part}_tfidf"] = vectors.astype(np.float32)
    return arrays


if __name__ == "__main__":
    main()
