"""The opening of a model version with the classifier of its kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from classifier.fp8_gate import served_mode
from classifier.interface import Classifier
from classifier.model.mode import Mode
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from core.process import uncollected
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """How an LLM is loaded; other kinds have nothing to choose.

    Parameters:
        mode: how its weights are kept; see ``model.mode.Mode``.
        gpu_memory: bytes it may take on the GPU; None for what is there.
        think_tokens: see ``llm.LlmClassifier``.
    """

    mode: Mode = "nf4"
    gpu_memory: int | None = None
    think_tokens: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return how a worker with these settings loads it."""
        return cls(settings.model_mode, settings.gpu_memory, settings.think_tokens)


DEFAULTS = Options()
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class UnitsNow:
    """How a version's units stand in the taxonomy now.

    Parameters:
        mapping: learned unit code -> code of the unit that now stands for it; a code that is not in
            it stands for itself.
        added: code -> name of units that no learned one stands for. An LLM answers them by name.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)


AS_LEARNED = UnitsNow()
Loader = Callable[[Path, UnitsNow, Options], Classifier]


def _load_linear(directory: Path, units: UnitsNow, _: Options) -> Classifier:
    from classifier.linear import LinearClassifier

    return LinearClassifier.load(directory, units.mapping)


def _load_constant(directory: Path, units: UnitsNow, _: Options) -> Classifier:
    from classifier.constant import ConstantClassifier

    return ConstantClassifier.load(directory, units.mapping)


def _load_llm(directory: Path, units: UnitsNow, options: Options) -> Classifier:
    with uncollected():
        from classifier.llm import LlmClassifier

    return LlmClassifier.load(
        directory,
        units.mapping,
        options.mode,
        options.gpu_memory,
        options.think_tokens,
        added=units.added,
    )


def _check_llm(directory: Path, _: UnitsNow, __: Options) -> None:
    from classifier.llm import LlmClassifier

    LlmClassifier.check(directory)


KINDS: dict[str, Loader] = {
    "linear": _load_linear,
    "constant": _load_constant,
    "llm": _load_llm,
}
"""How each kind of version is opened; the libraries of a kind are imported only then."""


def shares_base(serving: Classifier, directory: Path, options: Options) -> bool:
    """Whether a version would answer with the base that an LLM answers with now, in its mode.

    Then another thread can open it meanwhile: only its adapter is read, and nothing is computed
    until it answers. Another base would be loaded and warmed up beside the one that works.

    Raises:
        ModelVersionError: the version is damaged.
        StorageError: a file is there and cannot be read.
    """
    manifest = read_manifest(directory, verify=False)
    if (serving.kind, manifest.kind) != ("llm", "llm"):
        return False
    from classifier.llm import LlmClassifier
    from classifier.setup import Setup

    if not isinstance(serving, LlmClassifier):
        return False
    backbone = serving.engine.backbone
    is_same_base = Setup.read(directory, manifest).base_sha256 == backbone.base.sha256
    return is_same_base and served_mode(manifest, options.mode) == backbone.mode


def load_classifier(
    directory: Path,
    units: UnitsNow = AS_LEARNED,
    options: Options = DEFAULTS,
) -> Classifier:
    """Open the version in ``directory``.

    Args:
        directory: a model version.
        units: how its units stand now.
        options: of an LLM.

    Raises:
        ModelVersionError: the version is damaged, of an unknown kind, or its kind's libraries
            are not installed.
        DeviceError: an LLM's GPU is gone or its memory too small.
        StorageError: a file is there and cannot be read.
    """
    return _open(KINDS, directory, units, options)


def check_classifier(directory: Path, units: UnitsNow = AS_LEARNED) -> None:
    """Raise what ``load_classifier`` would, but for the device.

    An LLM's base is not loaded: it may be at work on the GPU, or be too large for this machine.

    Raises:
        ModelVersionError: see ``load_classifier``.
        StorageError: a file is there and cannot be read.
    """
    _open(KINDS | {"llm": _check_llm}, directory, units, DEFAULTS)


def _open(
    kinds: Mapping[str, Callable[[Path, UnitsNow, Options], Opened]],
    directory: Path,
    units: UnitsNow,
    options: Options,
) -> Opened:
    manifest = read_manifest(directory, verify=False)
    loader = kinds.get(manifest.kind)
    if loader is None:
        raise ModelVersionError(
            f"model version {manifest.name} is of kind {manifest.kind!r}, this Paidan opens "
            f"{', '.join(sorted(KINDS))}: use the Paidan that trained it, or train again: "
            "paidan train"
        )
    try:
        return loader(directory, units, options)
    except ModuleNotFoundError as error:
        raise ModelVersionError(
            f"model version {manifest.name} ({manifest.kind}) needs {error.name}, which is not "
            "installed: pip install 'paidan[linear]' for linear versions, 'paidan[ml]' for others"
        ) from error
