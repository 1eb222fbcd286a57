"""Continuous batching: batches through an LLM that works ahead."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from classifier.engine.engine import Engine
from classifier.interface import Batch
from classifier.labels.template import PromptUnit
from classifier.llm import LlmClassifier
from classifier.manifest import Calibration
from classifier.model.backbone import load_backbone
from classifier.model.pack import Pack
from classifier.model.runner import Answer, Answers
from tests.support.models import make_prompt, random_base
from tests.support.runners import CPU

BUDGET = 400
BATCHES, TICKETS = 30, 12
CALIBRATION = Calibration(
    temperature=1.0, threshold=0.5, error_target=0.05, coverage=1.0, error=0.0, held_out=9
)


def test_long_searches_do_not_keep_the_next_forwards_short(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given names that take a step for each character, and one ticket in twelve that is unsure
    base = random_base(tmp_path_factory.mktemp("base"))
    names = ["".join(name) for name in itertools.product("甲乙", repeat=6)]
    units = [PromptUnit(f"U{n}", name) for n, name in enumerate(names)]
    backbone = load_backbone(base, "full", CPU)
    prompt = make_prompt(backbone.tokenizer, units)
    engine = Engine(backbone, None, prompt, token_budget=BUDGET)
    classifier = LlmClassifier("v", engine, CALIBRATION)
    monkeypatch.setattr(backbone.runner, "ahead", 1)
    lengths: list[int] = []
    coming = [True]

    def answered(pack: Pack) -> Answers:
        if coming:
            lengths.append(len(pack.ids))
        told = []
        for place, followers in pack.asked:
            if pack.tickets[place] % TICKETS == 0:
                told += [-math.log(len(followers))] * len(followers)
            else:
                told += [-1e-5, *[-20.0] * (len(followers) - 1)]
        return lambda: Answer(told, np.zeros((0, 0), np.float32))

    monkeypatch.setattr(backbone.runner, "start", answered)

    def batches() -> Iterator[Batch]:
        every = frozenset(prompt.labels)
        for number in range(BATCHES):
            texts = [
                f"{number}号楼的路灯坏了，晚上看不见路，请派人来修 {n}" for n in range(TICKETS)
            ]
            yield Batch(texts, [every] * len(texts), str(number))
        coming.clear()

    # When it answers them as they come
    tokens = [batch.token for batch, _ in classifier.classify_batches(batches(), top_k=1)]

    # Then, as long as batches come, forwards are full, but for the first
    assert sorted(tokens, key=int) == [str(number) for number in range(BATCHES)]
    assert len(lengths) > BATCHES / 2
    assert min(lengths[1:]) > BUDGET / 2
