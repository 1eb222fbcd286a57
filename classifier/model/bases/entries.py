"""Where a base is found by its name: the stand-in, and the entries of those that were added.

A base is a directory in Hugging Face's layout. ``add_base`` checks it once and writes its facts to
``bases/<name>.json`` beside the model versions. The weights stay where they are; of a GGUF file a
directory is made once, ``bases/<name>/``.
"""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from classifier.manifest import problems
from classifier.model.bases.base import Base, examine
from classifier.model.bases.files import INDEX, USED_FILES, check_kind
from classifier.model.bases.gguf_conversion import convert_gguf
from classifier.model.bases.gguf_file import gguf_of, read_gguf
from classifier.model.bases.tokenizer import check_tokenizer
from classifier.model.bases.weights import check_tensors, check_values
from core.errors import ModelVersionError, StorageError
from core.whole import write_file

STAND_IN = "standin"
"""The name of the base that is shipped with Paidan."""
BASES = "bases"
"""The folder, beside the model versions, in which added bases are entered."""

_STAND_IN_PATH = Path(__file__).parents[1] / "standin"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def find_base(name: str, bases_dir: Path) -> Base:
    """Return a base by its name.

    Raises:
        ModelVersionError: there is none of that name; names those there are.
        StorageError: the folder cannot be read.
    """
    if name == STAND_IN:
        return _shipped()
    path = bases_dir / f"{name}.json"
    if not _NAME.fullmatch(name) or path not in _entries(bases_dir):
        known = ", ".join(base.name for base in list_bases(bases_dir))
        raise ModelVersionError(
            f"no base model {name!r} is known here (there are: {known}): add it with "
            "'paidan base add DIRECTORY --name NAME'"
        )
    try:
        base = Base.model_validate_json(path.read_bytes())
        # A base below the folder moves with it, into a container for example.
        return base.model_copy(update={"path": bases_dir / base.path})
    except (ValidationError, OSError) as error:
        told = problems(error) if isinstance(error, ValidationError) else error.strerror or error
        raise ModelVersionError(
            f"{path} cannot be read ({told}): remove it, and add the base again with 'paidan base "
            "add'"
        ) from error


def list_bases(bases_dir: Path) -> list[Base]:
    """Return the shipped base and those added, by name."""
    return [_shipped(), *(find_base(path.stem, bases_dir) for path in _entries(bases_dir))]


def _entries(bases_dir: Path) -> list[Path]:
    """Return the entries of added bases.

    Raises:
        StorageError: the folder is there and cannot be read.
    """
    try:
        return sorted(bases_dir.glob("*.json"))
    except OSError as error:
        raise StorageError(
            f"{bases_dir} cannot be read: {error.strerror or error}; let this user read it"
        ) from error


def only_base(bases_dir: Path) -> Base:
    """Return the base that was added, or the stand-in where none was.

    Raises:
        ModelVersionError: several were added.
    """
    shipped, *added = list_bases(bases_dir)
    if len(added) > 1:
        names = ", ".join(base.name for base in added)
        raise ModelVersionError(f"there are several base models ({names}): name one with --base")
    return added[0] if added else shipped


@cache
def _shipped() -> Base:
    return examine(_STAND_IN_PATH, STAND_IN)


def add_base(source: str, bases_dir: Path, name: str | None = None) -> Base:
    """Check a base, hash it and enter it under a name; a directory's files stay where they are.

    Args:
        source: a directory, an id of the Hugging Face hub ("owner/model"), which is fetched, or a
            GGUF file, of which a directory is made beside the entry.
        bases_dir: where to enter it.
        name: by default the directory's or the file's, or the id's last part.

    Raises:
        ModelVersionError: it does not fit; says why.
        StorageError: it cannot be fetched, converted or entered.
    """
    path = _place(source)
    gguf = gguf_of(path)
    name = name or (path.stem if path == gguf else Path(source).name)
    if name == STAND_IN or not _NAME.fullmatch(name):
        raise ModelVersionError(
            f"{name!r} cannot be a base's name: take letters, digits and . _ -, and not "
            f"{STAND_IN!r}, with --name"
        )
    base = _converted(gguf, bases_dir, name) if gguf else _checked(path.absolute(), name)
    _enter(base, bases_dir)
    return base


def _checked(path: Path, name: str) -> Base:
    """Return the base in a directory, after all checks."""
    check_kind(path, name)
    base = examine(path, name)
    check_tensors(path, name)
    check_tokenizer(base)
    check_values(path, name)
    return base


def _converted(file: Path, bases_dir: Path, name: str) -> Base:
    """Make a base's directory of a GGUF file; it appears when it is whole and checked."""
    target = bases_dir / name
    if target.exists() or target.with_name(f"{name}.json").exists():
        raise ModelVersionError(
            f"there is a base {name} in {bases_dir} already: choose another name with --name, or, "
            f"if only its entry is missing: paidan base add {target}"
        )
    read = read_gguf(file.absolute(), name)
    try:
        bases_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{name}-", dir=bases_dir) as folder:
            made = Path(folder) / name
            convert_gguf(read, made, name)
            base = _checked(made, name)
            made.rename(target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror or error}") from error
    return base.model_copy(update={"path": target.absolute()})


def _place(source: str) -> Path:
    """Return the directory or GGUF file that a source names; a model of the hub is fetched."""
    path = Path(source).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".gguf"):
        return path
    if not _HUB_ID.fullmatch(source):
        raise ModelVersionError(
            f"{source} is no directory, no .gguf file, and no id of the Hugging Face hub such as "
            "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
        )
    return _fetch(source)


def _fetch(hub_id: str) -> Path:
    """Download a model of the hub into its cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=[*USED_FILES, INDEX]))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise StorageError(
            f"{hub_id} is no directory here, and cannot be fetched from the Hugging Face hub "
            f"({type(error).__name__}): without a network, copy the model's directory to this "
            "machine and name it: paidan base add DIRECTORY"
        ) from error


def _enter(base: Base, bases_dir: Path) -> None:
    target = bases_dir / f"{base.name}.json"
    try:
        bases_dir.mkdir(parents=True, exist_ok=True)
        below = base.path.is_relative_to(bases_dir)
        kept = base.path.relative_to(bases_dir) if below else base.path
        entry = base.model_copy(update={"path": kept})
        write_file(target, (entry.model_dump_json(indent=2) + "\n").encode())
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
