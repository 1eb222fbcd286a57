"""Scores of unit names, by brute force and compared."""

import torch

from classifier.engine.engine import Engine
from classifier.labels.trie import LabelTrie

Scores = dict[str, float]
"""Unit code -> log-probability of its name."""


def brute_force(model: torch.nn.Module, engine: Engine, trie: LabelTrie, text: str) -> Scores:
    """Every label's score by a forward of its own over the whole sequence."""
    [ticket] = engine.prompt.tickets([text])
    ids = [*engine.prompt.prefix, *ticket, *engine.prompt.suffix]
    scores = {}
    with torch.inference_mode():
        for code in engine.prompt.labels:
            path = trie.path(code)
            logits = model(torch.tensor([[*ids, *path]])).logits[0].float().log_softmax(-1)
            places = enumerate(path, len(ids) - 1)
            scores[code] = sum(logits[place, token].item() for place, token in places)
    return scores


def largest_gap(found: list[Scores], expected: list[Scores]) -> float:
    assert [one.keys() for one in found] == [one.keys() for one in expected]
    return max(
        abs(one[code] - other[code])
        for one, other in zip(found, expected, strict=True)
        for code in one
    )
