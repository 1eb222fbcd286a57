"""What the stand-in's loss asks for."""

import torch

from classifier.labels.template import END_THINK
from tests.support.told import Told
from tests.support.unlabelled import unlabelled
from training.standin.settings import StandinSettings
from training.standin.tokenizer import train_tokenizer
from training.standin.weights import loss_of, train_language_model

TINY = StandinSettings(
    vocabulary=600, hidden=64, intermediate=64, layers=1, heads=2, kv_heads=1, bf16=False
)


def test_training_lowers_the_loss_which_heeds_no_padding() -> None:
    tickets = unlabelled(100)
    tokenizer = train_tokenizer(tickets, TINY.vocabulary)
    told = Told()

    model = train_language_model(tickets, tokenizer, TINY, 1, told)

    assert "parameters" in told.lines[0]
    thought = tokenizer.convert_tokens_to_ids(END_THINK)
    row = [*tokenizer("问")["input_ids"], thought, *tokenizer("\n答")["input_ids"]]
    pad = tokenizer.pad_token_id
    with torch.no_grad():
        plain = loss_of(model, torch.tensor([row]), thought, TINY)
        padded = loss_of(model, torch.tensor([[*row, pad, pad]]), thought, TINY)
    assert torch.isclose(plain, padded, atol=1e-5)
    assert float(told.lines[-1].split("loss ")[1].split(",")[0]) < 2 * torch.log(
        torch.tensor(600.0)
    )
