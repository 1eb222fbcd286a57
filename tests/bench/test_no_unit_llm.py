"""The experiment's LLM: what is written of it is what its version would answer by."""

from pathlib import Path

import numpy as np

from bench.no_unit_llm import llm_arrays
from bench.no_unit_parts import divide, labels_of, numbers_of
from tests.support.llm import RECIPE, themed_samples
from tests.support.models import STANDIN


def test_hidden_states_and_both_ways_of_answering_are_written(tmp_path: Path) -> None:
    samples = themed_samples(30)
    parts = divide(samples, samples[::5], draw=0, withheld=1)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace("head = 0", "head_learning_rate = 4e-3"))

    arrays = llm_arrays(parts, STANDIN.path, recipe)

    truth = labels_of(parts["known"], numbers_of(parts))
    for way in ("head", "names"):
        assert arrays[f"known_{way}"].shape == (len(truth), 2)
        assert (arrays[f"known_{way}"].argmax(axis=1) == truth).mean() > 0.9
    strangers = arrays["strangers_hidden"]
    assert (len(strangers), strangers.dtype) == (len(parts["strangers"]), np.float16)
    assert "learned_hidden" in arrays
    assert "learned_names" not in arrays
