"""Both runners on the CPU, for tests."""

import torch

from classifier.model.backbone import Backbone
from classifier.model.compiled import CompiledRunner
from classifier.model.eager import EagerRunner

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
