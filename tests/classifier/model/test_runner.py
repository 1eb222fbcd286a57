"""What both runners promise."""

import pytest

from classifier.model.backbone import load_backbone
from classifier.model.bases.base import Base
from classifier.model.pack import BEST, Pack
from classifier.model.runner import Runner
from classifier.model.segment import Segment
from tests.support.runners import CPU, use_compiled, use_eager


@pytest.fixture(params=["eager", "compiled"])
def runner(request: pytest.FixtureRequest, base: Base) -> Runner:
    backbone = load_backbone(base, "full", CPU)
    (use_eager if request.param == "eager" else use_compiled)(backbone)
    return backbone.runner


@pytest.mark.usefixtures("only_listed_pages")
@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_restored_keys_and_values_serve_like_those_that_were_read(runner: Runner) -> None:
    # Given what a ticket is told behind a prefix that was read
    prefix = Segment(list(range(20)))
    runner.start(Pack(runner.cache, [prefix]))()
    keys, values = runner.cache.keys[:, prefix.rows], runner.cache.values[:, prefix.rows]

    def answers(number: int, above: Segment) -> list[float]:
        ticket = Segment([7, 8, 9], above, number, 20)
        return runner.start(Pack(runner.cache, [ticket], [(2, [3, 4, BEST])]))().log_probs

    expected = answers(1, prefix)

    # When the prefix is restored elsewhere
    runner.cache.place([Segment([1] * 300, ticket=5)])
    restored = Segment(list(range(20)))
    runner.restore(Pack(runner.cache, [restored]), keys.clone(), values.clone())

    # Then a ticket is told the same
    assert restored.pages != prefix.pages
    assert answers(2, restored) == pytest.approx(expected, abs=1e-4)
