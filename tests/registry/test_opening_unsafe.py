"""LLM versions whose files are not what training writes are refused, and nothing in them runs."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from classifier.labels.head import HEAD, Head
from classifier.manifest import MANIFEST
from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.setup import SETUP
from classifier.version_files import file_digest
from core.errors import ModelVersionError
from db import Database, versions
from registry import champion
from registry.opening import check_version, load_version
from registry.registration import manifest_digest
from tests.support.llm_versions import added_base, entered, random_llm
from tests.support.make import add_units
from tests.support.versions import rewrite_manifest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Program:
    """A pickle that writes a file when it is read."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path("ran").write_text, ("ran",)


@pytest.fixture
def version(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a registered version; it is in order."""
    monkeypatch.chdir(tmp_path)  # where a program in a pickle would write
    add_units(database)
    name = entered(database, random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2")))
    check_version(database, name, tmp_path)
    return tmp_path / name


def refused(database: Database, version: Path) -> str:
    """Return the one line with which a version is neither opened nor promoted."""
    told = set()
    for way in (
        lambda: check_version(database, version.name, version.parent),
        lambda: load_version(database, version.name, version.parent),
        lambda: champion.promote(database, version.name, version.parent, actor="li", force=True),
    ):
        with pytest.raises(ModelVersionError) as error:
            way()
        told.add(str(error.value))
    [line] = told
    assert "\n" not in line
    assert not Path("ran").exists()
    with database.reading() as session:
        assert versions.champion(session) is None
    return line


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Program()))


def pickled_by_torch(path: Path) -> None:
    torch.save({"weight": Program()}, path)


def without_a_key(path: Path) -> None:
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, path)


def of_another_rank(path: Path) -> None:
    save_file(
        {key: torch.cat([t, t], int("lora_B" in key)) for key, t in load_file(path).items()}, path
    )


def of_other_units(path: Path) -> None:
    head = load_file(path)
    Head(("X", "Y", "Z"), head["weight"], head["bias"]).save(path.parent)


def of_more_rows(path: Path) -> None:
    head = load_file(path)
    save_file({n: torch.cat([t, t]) for n, t in head.items()}, path, {"units": '["A", "B", "C"]'})


def adapter_of_another_form(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"use_dora": True}))


def nested(path: Path) -> None:
    path.write_bytes(b"[" * 100_000)


def of_another_type(path: Path) -> None:
    save_file({key: t.to(torch.float8_e4m3fn) for key, t in load_file(path).items()}, path)


def with_another_key(path: Path) -> None:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file(load_file(path) | {"more": torch.zeros(1)}, path, metadata)


def adapter_without_a_scale(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"lora_alpha": float("nan")}))


def set_up_that_taught_less(path: Path) -> None:
    content = json.loads(path.read_text())
    content["answer"]["taught"] = ["A"]
    path.write_text(json.dumps(content))


def set_up_of_one_name(path: Path) -> None:
    content = json.loads(path.read_text())
    content["units"] = [unit | {"name": "同名"} for unit in content["units"]]
    path.write_text(json.dumps(content))


def set_up_without_names(path: Path) -> None:
    content = json.loads(path.read_text())
    content["units"] = [unit | {"name": ""} for unit in content["units"]]
    path.write_text(json.dumps(content))


def set_up_of_other_units(path: Path) -> None:
    content = json.loads(path.read_text())
    content["units"][0]["code"] = "X"
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, HEAD, SETUP])
@pytest.mark.parametrize("damage", [cut_off, pickled, Path.unlink])
def test_a_file_that_is_not_the_one_of_the_manifest_is_refused(
    database: Database, version: Path, name: str, damage: Callable[[Path], object]
) -> None:
    damage(version / name)

    told = refused(database, version)

    assert str(version / name) in told
    assert ("is missing" if damage is Path.unlink else "was changed after training") in told


FORGED = [
    (WEIGHTS, cut_off, "not a safetensors file"),
    (WEIGHTS, pickled, "not a safetensors file"),
    (WEIGHTS, pickled_by_torch, "not a safetensors file"),
    (WEIGHTS, without_a_key, "lacks model.layers.0"),
    (WEIGHTS, of_another_rank, "is expected"),
    (CONFIG, pickled, "not an adapter's configuration"),
    (CONFIG, adapter_of_another_form, "use_dora is True"),
    (HEAD, cut_off, "not a safetensors file"),
    (HEAD, pickled, "not a safetensors file"),
    (HEAD, pickled_by_torch, "not a safetensors file"),
    (HEAD, of_other_units, "its units are not the manifest's"),
    (HEAD, of_more_rows, "is expected"),
    (WEIGHTS, of_another_type, "is of type 'F8_E4M3'"),
    (WEIGHTS, with_another_key, "holds 'more'"),
    (HEAD, of_another_type, "is of type 'F8_E4M3'"),
    (HEAD, with_another_key, "holds 'more'"),
    (CONFIG, nested, "nested too deeply"),
    (CONFIG, adapter_without_a_scale, "lora_alpha is nan"),
    (SETUP, nested, "not a set-up (Invalid JSON"),
    (SETUP, set_up_of_one_name, "have the same tokens as names"),
    (SETUP, set_up_without_names, "has no token"),
    (SETUP, pickled, "not a set-up"),
    (SETUP, set_up_of_other_units, "its units are not the manifest's"),
]


def vouch(database: Database, version: Path, *names: str, **fields: object) -> None:
    """Have manifest and record name what a version's files are now."""
    hashes = json.loads((version / MANIFEST).read_text())["files"]
    now = {name: file_digest(version / name) for name in names}
    rewrite_manifest(version, files=hashes | now, **fields)
    with database.writing() as session:
        row = versions.get_version(session, version.name)
        row.manifest_sha256 = manifest_digest(version)


@pytest.mark.parametrize(("name", "forge", "why"), FORGED)
def test_a_file_that_manifest_and_record_vouch_for_is_still_only_data(
    database: Database, version: Path, name: str, forge: Callable[[Path], None], why: str
) -> None:
    # Given a version that somebody changed, with the manifest and the record to match
    forge(version / name)
    vouch(database, version, name)

    # When it is opened, Then it is refused, with the file
    told = refused(database, version)
    assert told.startswith(str(version / name))
    assert why in told


def test_rows_of_units_that_nobody_taught_are_refused(database: Database, version: Path) -> None:
    set_up_that_taught_less(version / SETUP)
    vouch(database, version, SETUP)

    told = refused(database, version)
    assert told.startswith(str(version / HEAD))
    assert "rows of units that llm.json says nobody taught" in told


def test_a_score_that_this_paidan_does_not_know_is_refused_at_promotion_too(
    database: Database, version: Path
) -> None:
    calibration = json.loads((version / MANIFEST).read_text())["calibration"]
    score = {"score": "later", "threshold": 0.0, "review": 0.05}
    vouch(database, version, calibration=calibration | {"no_unit": score})

    assert "tells tickets of no unit by 'later'" in refused(database, version)
