"""The README of an export says what is in it, and its example computes the head's answer."""

import re
import subprocess
import sys
from collections.abc import Callable
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


def run_example(readme: str, folder: Path) -> dict[str, float]:
    """Run a README's example as it stands there; return what it prints, code -> share."""
    [example] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, timeout=150
    )
    assert ran.returncode == 0, ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines() if re.match(r"[ABC] ", line)]
    return {code: float(share) for code, _, share in lines}


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(("write", "readme", "near"), FORMS)
def test_the_example_computes_the_heads_answer(
    write: Callable[[Source, Path], None],
    readme: Callable[[Source], str],
    near: float,
    tmp_path: Path,
) -> None:
    # Given an exported version that answers by its head
    version = random_llm(tmp_path, added_base(tmp_path, tmp_path, "qwen2"))
    source, out = Source.open(version.path), tmp_path / "out"
    out.mkdir()
    write(source, out)
    write_beside(source, out)

    # When its README's example runs
    found = run_example(readme(source), out)

    # Then it prints the version's probabilities, the highest first
    assert list(found.values()) == sorted(found.values(), reverse=True)
    raw = LlmClassifier.load(version.path).raw_scores([EXAMPLE_TICKET])
    shares = softmax(raw.logits, version.manifest.calibration.temperature)[0]
    expected = dict(zip(raw.codes, shares.tolist(), strict=True))
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
