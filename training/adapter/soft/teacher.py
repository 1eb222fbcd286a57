"""What a model version says of samples, to teach another one."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier.calibration import Floats, softmax
from classifier.loading import load_classifier
from classifier.manifest import Manifest
from classifier.raw_scores import tells_scores
from classifier.version_files import read_manifest
from core.errors import InputError
from training.adapter.soft.targets import Chances
from training.linear.answers import answers_of_folds, calibration_folds
from training.linear.data import Data
from training.linear.setting import Setting
from training.near_duplicates import group_near_duplicates
from training.samples import Sample

_NAME = re.compile(r"\w[\w.-]*")
_SEED = 42


def teacher_probabilities(
    name: str, versions: Path, samples: Sequence[Sample], taught: Sequence[str]
) -> Chances:
    """Return (n, u) probabilities of n samples; a row of zeros where the teacher cannot say.

    A linear version would be over-sure of what it has learned. So its setting is fitted anew to the
    samples in folds, and each is answered by a fit that knows neither it nor a near-duplicate. An
    LLM answers as it is.

    Args:
        name: of the version.
        versions: the folder of all versions.
        samples: to be learned.
        taught: codes of the u units with samples, sorted.

    Raises:
        InputError: there is no such version, or it cannot teach these units.
        ModelVersionError: it is damaged.
        DeviceError: there is no room for it.
    """
    directory = versions / name
    if not _NAME.fullmatch(name) or not directory.is_dir():
        raise InputError(
            f"soft.version: there is no model version {name} in {versions}: 'paidan models' lists "
            "those there are"
        )
    manifest = read_manifest(directory)
    if manifest.kind == "linear":
        return _out_of_fold(manifest, samples, taught)
    return _answers(directory, manifest, samples, taught)


def _out_of_fold(manifest: Manifest, samples: Sequence[Sample], taught: Sequence[str]) -> Chances:
    setting = Setting.recorded(manifest.training.settings, manifest.name)
    texts = [sample.text for sample in samples]
    numbers = {code: number for number, code in enumerate(taught)}
    labels = np.array([numbers[sample.unit] for sample in samples], dtype=np.int64)
    data = Data(texts, labels, len(taught), group_near_duplicates(texts))
    rows, logits = answers_of_folds(data, setting, _SEED, calibration_folds(len(data)))
    found = np.zeros((len(samples), len(taught)))
    if len(rows):
        found[rows] = softmax(logits, manifest.calibration.temperature)
    return found


def _answers(
    directory: Path, manifest: Manifest, samples: Sequence[Sample], taught: Sequence[str]
) -> Chances:
    teacher = load_classifier(directory)
    if not tells_scores(teacher):
        raise InputError(
            f"soft.version: {manifest.name} ({manifest.kind}) always answers the same: name a "
            "linear or an LLM version"
        )
    scores = teacher.raw_scores([sample.text for sample in samples])
    known = [code for code in taught if code in scores.codes]
    if not known:
        raise InputError(
            f"soft.version: {manifest.name} has learned none of the {len(taught)} units to learn: "
            "name a version of the same taxonomy"
        )
    return _of_taught(scores.logits, scores.codes, manifest.calibration.temperature, taught) * [
        [sample.unit in known] for sample in samples
    ]


def _of_taught(
    logits: Floats, codes: Sequence[str], temperature: float, taught: Sequence[str]
) -> Chances:
    """Return (n, u) probabilities of the taught units, 0 for those that the teacher has not."""
    places = {code: column for column, code in enumerate(codes)}
    columns = [(row, places[code]) for row, code in enumerate(taught) if code in places]
    found = np.zeros((len(logits), len(taught)))
    rows, asked = zip(*columns, strict=True)
    found[:, rows] = softmax(logits[:, asked], temperature)
    return found
