"""The packed loss and its gradients are plain autograd's, sample by sample, in float32."""

from pathlib import Path

import pytest
import torch

from tests.support.packed import (
    CPU,
    PREFIX,
    adapted_model,
    distance,
    gradients_of,
    make_examples,
    plain_loss,
    unit_head,
)
from training.adapter.fast.decoder import Decoder
from training.adapter.fast.losses import StepLoss
from training.adapter.fast.micro_batch import MicroBatch

OWN = (5, 120, 3, 60, 17, 200)
DIVISIONS: dict[str, list[list[int]]] = {
    "all at once": [[0, 1, 2, 3, 4, 5]],
    "in three": [[1, 2], [0, 3, 4], [5]],
    "one by one": [[0], [1], [2], [3], [4], [5]],
}
EXACT = 1e-4


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize(
    "answer", [None, 3, 40], ids=["whole text", "answer", "thought and answer"]
)
@pytest.mark.parametrize("shape", ["qwen2", "llama"])
def test_loss_and_gradients_are_those_of_samples_read_alone(
    tmp_path: Path, shape: str, answer: int | None, division: str
) -> None:
    # Given a head beside the names, with all of its losses
    model = adapted_model(tmp_path, shape)
    head = unit_head(128, names=0.7, head=1.5, label_smoothing=0.1, brier=0.5)
    decoder, examples = Decoder(model.get_base_model()), make_examples(OWN, answer=answer)
    loss, total = StepLoss.of(examples, head), 0.0

    # When a step is computed in some micro-batches
    for members in DIVISIONS[division]:
        batch = MicroBatch.of([examples[n] for n in members], PREFIX, CPU)
        part = loss.part(decoder, batch, decoder.hidden(batch))
        part.backward()
        total += part.item()
    found = gradients_of(model, head)

    expected = plain_loss(model, examples, head)
    expected.backward()
    assert abs(total - expected.item()) < EXACT * expected.item()
    assert distance(found, gradients_of(model, head)) < EXACT


@pytest.mark.parametrize("losses", [{"names": 0.0}, {"head": 0.0}, None], ids=str)
def test_what_has_no_weight_or_is_not_there_adds_nothing(
    tmp_path: Path, losses: dict[str, float] | None
) -> None:
    model = adapted_model(tmp_path)
    head = None if losses is None else unit_head(128, **losses)
    decoder, examples = Decoder(model.get_base_model()), make_examples(OWN, answer=3)
    batch = MicroBatch.of(examples, PREFIX, CPU)

    found = StepLoss.of(examples, head).part(decoder, batch, decoder.hidden(batch))

    assert torch.isclose(found, plain_loss(model, examples, head))
