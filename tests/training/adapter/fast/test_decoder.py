"""Hidden states of packed samples are those of each one alone, whatever is recomputed."""

from pathlib import Path

import torch

from tests.support.joint import Gradients
from tests.support.packed import CPU, PREFIX, adapted_model, distance, gradients_of, make_examples
from training.adapter.fast.decoder import Decoder
from training.adapter.fast.dropout import Dropout
from training.adapter.fast.micro_batch import MicroBatch

OWN = (5, 120, 1, 60)


def test_each_sample_is_read_as_if_it_stood_alone(tmp_path: Path) -> None:
    model = adapted_model(tmp_path)
    decoder, examples = Decoder(model.get_base_model()), make_examples(OWN)

    hidden = decoder.hidden(MicroBatch.of(examples, PREFIX, CPU))

    start = PREFIX
    for example in examples:
        rows = [*range(PREFIX), *range(start, start + len(example.ids) - PREFIX)]
        alone = model.get_base_model().model(torch.tensor(example.ids)[None]).last_hidden_state[0]
        assert torch.allclose(decoder.normed(hidden[rows]), alone, atol=2e-4)
        start += len(example.ids) - PREFIX


def test_recomputed_layers_change_no_gradient_and_draw_the_same_dropout(tmp_path: Path) -> None:
    model = adapted_model(tmp_path)
    decoder = Decoder(model.get_base_model())
    batch = MicroBatch.of(make_examples(OWN), PREFIX, CPU)

    def gradients(recomputed: int, seed: int) -> Gradients:
        decoder.hidden(batch, recomputed, Dropout(0.2, seed)).square().sum().backward()
        return gradients_of(model)

    kept = gradients(0, 1)

    assert [distance(gradients(layers, 1), kept) for layers in (1, 2)] == [0, 0]
    assert distance(gradients(0, 2), kept) > 0.01
