"""An LLM's set-up is read as it was written, names its base, and leaves a ticket its room."""

from pathlib import Path
from typing import Any

import pytest

from classifier.labels.template import load_template
from classifier.model.bases.entries import STAND_IN
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.setup import SETUP, Setup
from classifier.version_files import read_manifest
from core.errors import InputError, ModelVersionError
from registry.writer import write_version
from tests.support.llm import prompt_units
from tests.support.models import STANDIN
from tests.support.versions import NAME, a_manifest

LISTED = tuple(unit for unit in prompt_units() if unit.code in "AB")


def a_setup(**values: Any) -> Setup:
    """The set-up of ``a_manifest``'s units on the stand-in."""
    setup = Setup(
        base=STAND_IN,
        base_sha256=STANDIN.sha256,
        tokenizer_sha256=STANDIN.tokenizer_sha256,
        template=load_template("short").text,
        units=LISTED,
        max_seq_length=896,
        max_prefix_length=2048,
    )
    return setup.model_copy(update=values)


def read(folder: Path, content: str) -> Setup:
    """Write a version with this set-up and read it."""
    version = folder / NAME
    write_version(version, a_manifest(), lambda made: (made / SETUP).write_text(content, "utf-8"))
    return Setup.read(version, read_manifest(version))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    setup = a_setup()

    assert read(tmp_path, setup.model_dump_json(indent=2)) == setup


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a set-up"),
        ("{}", "not a set-up"),
        (a_setup(units=LISTED[:1]).model_dump_json(), "its units are not the manifest's"),
    ],
)
def test_a_set_up_that_does_not_fit_is_refused(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(ModelVersionError, match=rf"{SETUP}: {told}"):
        read(tmp_path, content)


def test_its_base_is_found_by_name_and_content(tmp_path: Path) -> None:
    assert a_setup().find_base(tmp_path / NAME, a_manifest()) == STANDIN

    for values, told in (
        ({"base": "7b"}, "no base model '7b'"),
        ({"base_sha256": "0"}, f"{NAME} was trained on a base {STAND_IN} with other weights"),
        ({"tokenizer_sha256": "0"}, "with other tokenizer than the one here"),
    ):
        with pytest.raises(ModelVersionError, match=told):
            a_setup(**values).find_base(tmp_path / NAME, a_manifest())


def test_a_prompt_that_leaves_a_ticket_no_room_is_refused_with_the_file(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(STANDIN)
    narrow = a_setup(max_seq_length=100)

    assert a_setup().prompt(tokenizer).units == LISTED
    with pytest.raises(InputError, match="tokens are left for a ticket"):
        narrow.prompt(tokenizer)
    with pytest.raises(ModelVersionError, match=rf"{tmp_path / SETUP}.*tokens are left"):
        narrow.read_prompt(tmp_path, tokenizer)
