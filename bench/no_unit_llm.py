"""What an LLM says of the tickets of each part, for ``bench.no_unit_dump``."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

import tempfile
from pathlib import Path

import numpy as np
import torch

from bench.no_unit_parts import PARTS, Arrays, Parts, numbers_of
from classifier.engine.engine import Engine
from classifier.labels.head import HEAD, Head
from classifier.labels.template import PromptUnit
from classifier.model.adapter_file import CONFIG, WEIGHTS, parse_adapter
from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base, examine
from classifier.model.bases.tokenizer import load_tokenizer
from training.adapter.preparation import Preparation, recipe_for, setup_of
from training.adapter.scoring import free_memory
from training.adapter.trainer import fine_tune
from training.progress import SILENT

NAMED = ("held", "known", "strangers")
"""Parts whose names are scored; of the learned tickets the hidden states are enough."""


def llm_arrays(parts: Parts, directory: Path, recipe: Path | None) -> Arrays:
    """Train an adapter with its head; return hidden states, the head's logits, names' scores."""
    base = examine(directory, directory.name)
    prepared = _prepare(parts, base, recipe)
    with tempfile.TemporaryDirectory(prefix="paidan-no-unit-") as folder:
        run = fine_tune(prepared, Path(folder), SILENT)
        print(f"trained {run.steps} steps in {run.seconds:.0f} s", flush=True)
        free_memory()
        return _answers(parts, prepared, Path(folder))


def _prepare(parts: Parts, base: Base, recipe_file: Path | None) -> Preparation:
    recipe = recipe_for(base, recipe_file)
    units = [PromptUnit(code, code) for code in numbers_of(parts)]
    setup = setup_of(base, units, recipe)
    prompt = setup.prompt(load_tokenizer(base))
    return Preparation(base, recipe, setup, prompt, parts["learned"], parts["held"])


def _answers(parts: Parts, prepared: Preparation, adapter_dir: Path) -> Arrays:
    backbone = load_backbone(prepared.base, "nf4")
    config, weights = ((adapter_dir / name).read_bytes() for name in (CONFIG, WEIGHTS))
    adapter = parse_adapter(adapter_dir, config, weights, backbone.model)
    prompt = prepared.setup.prompt(backbone.tokenizer)
    width = backbone.model.config.hidden_size
    codes = tuple(numbers_of(parts))
    # A head whose weights are the identity answers with the hidden states themselves.
    rows = tuple(str(row) for row in range(width))
    engine = Engine(
        backbone, adapter, prompt, head=Head(rows, torch.eye(width), torch.zeros(width))
    )
    head = Head.parse(adapter_dir / HEAD, (adapter_dir / HEAD).read_bytes(), codes, width)
    order = [head.codes.index(code) for code in codes]
    arrays: Arrays = {}
    for part in PARTS:
        texts = [sample.text for sample in parts[part]]
        hidden = torch.from_numpy(engine.head_logits(texts))
        arrays[f"{part}_hidden"] = hidden.half().numpy()
        arrays[f"{part}_head"] = head.logits(hidden).numpy()[:, order]
        if part in NAMED:
            found = engine.scores(texts)
            scores = np.array([[one[code] for code in codes] for one in found])
            arrays[f"{part}_names"] = scores.reshape(len(texts), len(codes))
    return arrays
