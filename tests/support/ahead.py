"""A model that takes the next batch before it answers the last, as the LLM does on a GPU."""

from collections import deque
from collections.abc import Iterable, Iterator

from classifier.interface import Batch, Decision
from tests.support.recorder import Recorder


class Ahead(Recorder):
    """Has two batches under way wherever it gets them."""

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        under_way: deque[Batch] = deque()
        for batch in batches:
            under_way.append(batch)
            if len(under_way) == 2:
                yield self._answered(under_way.popleft(), top_k)
        while under_way:
            yield self._answered(under_way.popleft(), top_k)

    def _answered(self, batch: Batch, top_k: int) -> tuple[Batch, list[Decision]]:
        return batch, self.classify(batch.texts, batch.allowed, top_k)
