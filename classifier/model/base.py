"""Base models: which ones there are, whether they fit, and what their files hash to.

A base is a directory in Hugging Face's layout. ``add_base`` checks it once and writes its facts to
``bases/<name>.json`` beside the model versions; the weights stay where they are. The stand-in is
shipped with Paidan.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from classifier.labels.template import END_THINK, THINK
from classifier.model.base_files import INDEX, check_kind, read_json, weight_files
from classifier.model.base_weights import check_tensors, check_values
from core.errors import ModelVersionError, StorageError

ARCHITECTURES = ("Qwen2ForCausalLM", "LlamaForCausalLM")
STAND_IN = "standin"
BASES = "bases"
"""The folder, beside the model versions, in which added bases are entered."""
RECIPE = "recipe.toml"
"""A base may bring what training should do otherwise than by default."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_USED_FILES = ("config.json", "generation_config.json", *_TOKENIZER_FILES, RECIPE, "*.safetensors")


class Base(BaseModel):
    """What is known of a base model.

    Parameters:
        name: by which people and versions call it.
        path: its directory.
        architecture: the class of transformers that computes it.
        files: sha256 (hex) of each file that is used.
        sizes: their sizes in bytes, checked at each load, where hashing 15 GB would take a minute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    architecture: str
    files: dict[str, str]
    sizes: dict[str, int]

    @property
    def sha256(self) -> str:
        """One hash (hex) over configuration and weights: what an adapter was trained on."""
        return _digest_of(self.files, lambda name: name not in (*_TOKENIZER_FILES, RECIPE))

    @property
    def tokenizer_sha256(self) -> str:
        """One hash (hex) over the tokenizer's files."""
        return _digest_of(self.files, lambda name: name in _TOKENIZER_FILES)

    def check(self) -> None:
        """Check that no file was exchanged since it was added, and that the weights are complete.

        Of large files the sizes are compared, of small ones the hashes. The weights' names and
        shapes are compared with the architecture: what is missing would be random numbers.

        Raises:
            ModelVersionError: a file was exchanged, or the weights do not fit; names what.
        """
        for name, size in self.sizes.items():
            path = self.path / name
            if not path.is_file():
                raise ModelVersionError(
                    f"base {self.name}: {path} is missing: restore it, or add the base again: "
                    f"paidan base add {self.path}"
                )
            changed = path.stat().st_size != size
            if not changed and size < _HASHED_AT_LOAD:
                changed = _sha256(path) != self.files[name]
            if changed:
                raise ModelVersionError(
                    f"base {self.name}: {path} was changed since the base was added: restore it, "
                    "or add the base under another name and train on that"
                )
        check_tensors(self.path, self.name)


_HASHED_AT_LOAD = 32 * 2**20


def find_base(name: str, bases_dir: Path) -> Base:
    """Return a base by its name.

    Raises:
        ModelVersionError: there is none of that name; names those there are.
    """
    if name == STAND_IN:
        return _shipped()
    path = bases_dir / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file():
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
        raise ModelVersionError(
            f"{path} cannot be read ({error}): add the base again with 'paidan base add'"
        ) from error


def list_bases(bases_dir: Path) -> list[Base]:
    """Return the shipped base and those added, by name."""
    added = [find_base(path.stem, bases_dir) for path in sorted(bases_dir.glob("*.json"))]
    return [_shipped(), *added]


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
    return examine(Path(__file__).parent / "standin", STAND_IN)


def add_base(source: str, bases_dir: Path, name: str | None = None) -> Base:
    """Check a base, hash it and enter it under a name; the files stay where they are.

    Args:
        source: a directory, or an id of the Hugging Face hub ("owner/model"), which is fetched.
        bases_dir: where to enter it.
        name: by default the directory's, or the id's last part.

    Raises:
        ModelVersionError: it does not fit; says why.
        StorageError: it cannot be fetched or entered.
    """
    path = Path(source).expanduser()
    if not path.is_dir():
        if not _HUB_ID.fullmatch(source):
            raise ModelVersionError(
                f"{source} is no directory, and no id of the Hugging Face hub such as "
                "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
            )
        path = _fetch(source)
    name = name or Path(source).name
    if name == STAND_IN or not _NAME.fullmatch(name):
        raise ModelVersionError(
            f"{name!r} cannot be a base's name: take letters, digits and . _ -, and not "
            f"{STAND_IN!r}, with --name"
        )
    check_kind(path.absolute(), name)
    base = examine(path.absolute(), name)
    check_tensors(base.path, name)
    _check_tokenizer(base)
    check_values(base.path, name)
    target = bases_dir / f"{name}.json"
    try:
        bases_dir.mkdir(parents=True, exist_ok=True)
        below = base.path.is_relative_to(bases_dir)
        kept = base.path.relative_to(bases_dir) if below else base.path
        entry = base.model_copy(update={"path": kept})
        target.write_text(entry.model_dump_json(indent=2) + "\n", "utf-8")
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    return base


def examine(path: Path, name: str) -> Base:
    """Read a base's configuration and hash its files.

    Raises:
        ModelVersionError: a file is missing, or the architecture is none that Paidan computes.
    """
    config = read_json(path / "config.json", name)
    architecture = (config.get("architectures") or ["none"])[0]
    if architecture not in ARCHITECTURES:
        raise ModelVersionError(
            f"base {name}: {path / 'config.json'} names the architecture {architecture} "
            f'("architectures"), Paidan computes {" and ".join(ARCHITECTURES)}'
        )
    found = sorted({file for pattern in _USED_FILES for file in path.glob(pattern)})
    names = [file.name for file in found]
    needed = ["config.json", "tokenizer.json", *weight_files(path, name)]
    for missing in [file for file in needed if file not in names]:
        raise ModelVersionError(f"base {name}: {path / missing} is missing: was all of it fetched?")
    return Base(
        name=name,
        path=path,
        architecture=architecture,
        files={file.name: _sha256(file) for file in found},
        sizes={file.name: file.stat().st_size for file in found},
    )


def load_tokenizer(base: Base) -> Any:
    """Return the base's tokenizer, of transformers."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(base.path), local_files_only=True)


def _check_tokenizer(base: Base) -> None:
    """Refuse a tokenizer with which thoughts or ends could not be told from text."""
    try:
        tokenizer = load_tokenizer(base)
    except (ValueError, OSError, ImportError) as error:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer cannot be loaded ({error})"
        ) from error

    def ids(text: str, *, special: bool) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=special)["input_ids"]
        return found

    for marker in (THINK, END_THINK):
        count = len(ids(marker, special=False))
        if count != 1:
            raise ModelVersionError(
                f"base {base.name}: its tokenizer makes {count} tokens of {marker}, one is needed: "
                "take a base that thinks in these marks, such as DeepSeek-R1-Distill-Qwen"
            )
    if tokenizer.eos_token_id is None:
        raise ModelVersionError(f"base {base.name}: its tokenizer names no end token (eos_token)")
    bos = tokenizer.bos_token_id
    if bos is not None and ids("工单", special=True).count(bos) > 1:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer begins a text with two {tokenizer.bos_token}; mend "
            "add_bos_token and the template in tokenizer_config.json"
        )
    size = read_json(base.path / "config.json", base.name).get("vocab_size", 0)
    if max(tokenizer.get_vocab().values()) >= size:
        raise ModelVersionError(
            f"base {base.name}: its tokenizer has tokens beyond the model's vocabulary of {size}"
        )


def _fetch(hub_id: str) -> Path:
    """Download a model of the hub into its cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, allow_patterns=[*_USED_FILES, INDEX]))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise StorageError(
            f"{hub_id} is no directory here, and cannot be fetched from the Hugging Face hub "
            f"({type(error).__name__}): without a network, copy the model's directory to this "
            "machine and name it: paidan base add DIRECTORY"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of(files: Mapping[str, str], wanted: Any) -> str:
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files) if wanted(name))
    return hashlib.sha256(lines.encode()).hexdigest()
