"""The running worker takes the new champion; how right each version is.

Models are imported where they answer: a demo's first lines would wait ten seconds for them.
"""

from collections.abc import Sequence

from classifier.interface import Classifier
from db import taxonomy, versions
from paidan.demo.home import Demo, as_sample
from paidan.demo.outcome import answered_by
from paidan.demo.pushing import as_new
from paidan.demo.world import tickets_later
from paidan.progress.push import PushProgress
from paidan.sample.generator import SampleTicket
from producer.submit import Submitter
from registry.opening import load_version

# The old version answers until the new one is loaded; these are the tickets that find out.
_SOURCE, _TICKETS = "synthetic-swap", 100
_FAR = 5_000_000


def await_swap(demo: Demo) -> None:
    """Push tickets one by one until the champion answers."""
    with demo.database.reading() as session:
        champion = versions.champion(session)
    submitter = Submitter.from_settings(demo.settings)
    source = f"{_SOURCE}-{champion}"
    for ticket in tickets_later(_TICKETS, _FAR):
        ids = submitter.submit([as_new(ticket, source)]).ids
        PushProgress(demo.settings, quiet=True).wait(demo.database, ids)
        with demo.database.reading() as session:
            if champion in answered_by(session, source):
                return


def accuracy_of(demo: Demo, version: str, tickets: Sequence[SampleTicket]) -> float:
    """Return how many of the tickets a version answers right, held back or not."""
    classifier = load_version(demo.database, version, demo.settings.resolved_models_dir)
    return _accuracy(demo, classifier, tickets)


def accuracy_without_adapter(demo: Demo, version: str, tickets: Sequence[SampleTicket]) -> float:
    """Return the same of a version's bare base."""
    from classifier.engine.engine import Engine
    from classifier.llm import LlmClassifier

    loaded = load_version(demo.database, version, demo.settings.resolved_models_dir)
    assert isinstance(loaded, LlmClassifier)
    bare = Engine(loaded.engine.backbone, None, loaded.engine.prompt)
    return _accuracy(demo, LlmClassifier("no adapter", bare, loaded.calibration), tickets)


def _accuracy(demo: Demo, classifier: Classifier, tickets: Sequence[SampleTicket]) -> float:
    from training.evaluation import evaluate

    with demo.database.reading() as session:
        units = frozenset(unit.code for unit in taxonomy.list_units(session, active_only=True))
    return evaluate(classifier, [as_sample(ticket) for ticket in tickets], units).accuracy
