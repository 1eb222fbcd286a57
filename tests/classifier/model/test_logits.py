"""Log-probabilities of what a pack asks for."""

import pytest
import torch

from classifier.model import logits
from classifier.model.logits import look_up
from classifier.model.pack import BEST, Pack
from classifier.model.segment import Segment
from tests.support.segments import small_cache


@pytest.mark.parametrize("rows", [2, 256])
def test_answers_are_those_of_all_logits_at_once(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    # Given questions at several places, of which one has none, in chunks of a few rows
    monkeypatch.setattr(logits, "LOGIT_ROWS", rows)
    asked = [(0, [3, 4]), (1, []), (2, [BEST]), (3, [5]), (4, [BEST, 6])]
    pack = Pack(small_cache(), [Segment([1] * 5)], asked)
    torch.manual_seed(0)
    hidden, weight = torch.randn(5, 8), torch.randn(8, 20)

    # When they are looked up
    which, tokens = (torch.from_numpy(array) for array in pack.questions)
    found = look_up(pack, hidden, lambda some: some @ weight, which, tokens)

    # Then they are log-probabilities, or the likeliest token's number
    whole = (hidden @ weight).log_softmax(-1)
    expected = [
        float(whole[place].argmax()) if token == BEST else whole[place, token].item()
        for place, tokens in asked
        for token in tokens
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
