"""A manifest names what is wrong with it."""

from pathlib import Path

import pytest

from classifier.manifest import MANIFEST, taxonomy_digest
from classifier.version_files import read_manifest
from core.errors import ModelVersionError
from tests.support.versions import rewrite_manifest, write_toy_version


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_toy_version(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_not_json_is_refused(version: Path, content: bytes) -> None:
    (version / MANIFEST).write_bytes(content)

    with pytest.raises(ModelVersionError, match=r"manifest\.json: not JSON.*paidan train"):
        read_manifest(version)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"format": 2}'])
def test_an_unknown_format_is_refused(version: Path, content: str) -> None:
    (version / MANIFEST).write_text(content)

    with pytest.raises(ModelVersionError, match=r"manifest\.json has format .* reads 1"):
        read_manifest(version)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"units": []}, "units"),
        ({"units": [{"code": "A", "name": "甲"}, {"code": "A", "name": "乙"}]}, "unit twice"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        ({"calibration": {"temperature": float("nan")}}, "calibration.temperature"),
        ({"surprise": 1}, "surprise"),
        ({"name": "other"}, "manifest of 'other'"),
    ],
)
def test_a_manifest_with_a_wrong_field_names_it(
    version: Path, fields: dict[str, object], message: str
) -> None:
    rewrite_manifest(version, **fields)

    with pytest.raises(ModelVersionError, match=message):
        read_manifest(version)


def test_what_a_manifest_quotes_stays_short_and_on_one_line(version: Path) -> None:
    rewrite_manifest(version, units=[{"code": 1}] * 5_000, **{"\x1b[2J\nroot": 1})

    with pytest.raises(ModelVersionError, match=r"units\.0\.code.* and \d+ more") as refused:
        read_manifest(version)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 700


def test_the_taxonomy_digest_ignores_order_and_sees_every_name() -> None:
    assert taxonomy_digest({"A": "甲", "B": "乙"}) == taxonomy_digest({"B": "乙", "A": "甲"})
    assert taxonomy_digest({"A": "甲", "B": "乙"}) != taxonomy_digest({"A": "甲", "B": "丙"})
