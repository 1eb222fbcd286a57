"""Both runners on the CPU, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from classifier.engine.engine import Engine
from classifier.model.backbone import Backbone, load_backbone
from classifier.model.bases.base import Base
from classifier.model.compiled import CompiledRunner
from classifier.model.eager import EagerRunner
from tests.support.models import make_prompt

CPU = torch.device("cpu")


def use_eager(backbone: Backbone) -> None:
    """Let the plain runner answer."""
    backbone.runner, backbone.active_engine = EagerRunner(backbone.model), None


def use_compiled(backbone: Backbone, budget: int = 512) -> CompiledRunner:
    """Let the runner for CUDA answer, uncompiled."""
    backbone.active_engine = None
    runner = CompiledRunner(backbone.model, "nf4", budget, compiled=False)
    backbone.runner = runner
    return runner


@contextmanager
def thinking_engine(base: Base, runner: str) -> Iterator[Engine]:
    """Provide an engine whose prompt has room for thoughts, on an "eager" or "compiled" runner."""
    backbone = load_backbone(base, "full", CPU)
    if runner == "compiled":
        use_compiled(backbone, 1024)
    yield Engine(backbone, None, make_prompt(backbone.tokenizer, template="dispatch"))
    use_eager(backbone)
