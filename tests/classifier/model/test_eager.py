"""The plain runner."""

import torch
from transformers import AutoModelForCausalLM

from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.eager import EagerRunner
from classifier.model.pack import BEST, Pack
from classifier.model.segment import Segment
from tests.support.runners import CPU


def test_it_answers_what_transformers_computes_and_counts_its_time(base: Base) -> None:
    runner = EagerRunner(load_backbone(base, "full", CPU).model, 512)
    ids = [5, 6, 7, 8]

    answers = runner.start(Pack(runner.cache, [Segment(ids)], [(3, [1, 2, BEST])]))()

    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()
    with torch.inference_mode():
        said = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
    expected = torch.stack((said[1], said[2], said.argmax().float()))
    assert torch.allclose(torch.tensor(answers.log_probs), expected, atol=1e-4)
    assert runner.busy > 0
