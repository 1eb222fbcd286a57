"""The README of an export says what is in it, and its example computes the head's answer."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from classifier.calibration import softmax
from classifier.llm import LlmClassifier
from registry.export.adapter import write_adapter
from registry.export.beside import write_beside
from registry.export.merged import write_merged
from registry.export.readme import EXAMPLE_TICKET, adapter_readme, merged_readme
from registry.export.source import Source
from registry.writer import TrainedVersion
from tests.support.linear import toy_weights
from tests.support.llm_versions import added_base, random_llm

# On a CPU bitsandbytes computes with eight bits where a model does not train.
FORMS = [(write_merged, merged_readme, 2e-4), (write_adapter, adapter_readme, 5e-3)]


# Each with names of its own, in one process: importing torch and transformers takes the longest.
RUN = """
import json, os, sys
for folder, example in json.load(sys.stdin):
    os.chdir(folder)
    exec(example, {"__name__": "__main__"})
    print("end of", folder)
"""


def run_examples(readmes: Mapping[Path, str]) -> list[dict[str, float]]:
    """Run READMEs' examples as they stand there; return what each prints, code -> share."""
    examples = [
        (str(folder), *re.findall(r"```python\n(.*?)```", readme, re.DOTALL))
        for folder, readme in readmes.items()
    ]
    ran = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps(examples), capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return [
        {
            code: float(share)
            for code, _, share in map(str.split, re.findall(r"^[ABC] .*$", printed, re.MULTILINE))
        }
        for printed in ran.stdout.split("end of")[:-1]
    ]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_examples_compute_the_heads_answer(tmp_path: Path) -> None:
    # Given a version that answers by its head, exported in each form
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2"))
    source, readmes = Source.open(version.path), {}
    for write, readme, _ in FORMS:
        out = tmp_path / write.__name__
        out.mkdir()
        write(source, out)
        write_beside(source, out)
        readmes[out] = readme(source)

    # When the examples of their READMEs run
    printed = run_examples(readmes)

    # Then each prints the version's probabilities, the highest first
    raw = LlmClassifier.load(version.path).raw_scores([EXAMPLE_TICKET])
    shares = softmax(raw.logits, version.manifest.calibration.temperature)[0]
    expected = dict(zip(raw.codes, shares.tolist(), strict=True))
    assert len(printed) == len(FORMS)
    for found, (*_, near) in zip(printed, FORMS, strict=True):
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert found == pytest.approx(expected, abs=near)


def told(version: TrainedVersion) -> str:
    return merged_readme(Source.open(version.path))


def test_a_linear_model_that_the_export_lacks_is_named(tmp_path: Path) -> None:
    base = added_base(tmp_path, tmp_path, "qwen2")

    assert "The linear model is not part" in told(random_llm(tmp_path, base, linear=toy_weights()))


def test_a_version_that_answers_by_names_says_how(tmp_path: Path) -> None:
    by_names = told(random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2"), by="names"))

    assert "answers by the units' names" in by_names
    assert "linear model" not in by_names
