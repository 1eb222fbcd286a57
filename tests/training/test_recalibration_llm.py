"""An LLM is calibrated anew by what answers, on the probabilities that it serves."""

from random import Random

from classifier.loading import UnitsNow, load_classifier
from classifier.raw_scores import tells_scores
from registry.writer import TrainedVersion
from tests.support.llm import THEMES
from training.recalibration import recalibrate
from training.samples import Sample


def live_samples(count: int) -> list[Sample]:
    """Tickets of the themes that were learned, no two of which are near-duplicates."""
    random = Random(11)
    return [
        Sample(
            f"{THEMES[code]} {''.join(random.choices('天地玄黄宇宙洪荒日月盈昃辰宿', k=9))}", code
        )
        for code in random.choices("ABC", k=count)
    ]


def test_a_version_routes_the_tickets_that_it_answers_rightly(llm_version: TrainedVersion) -> None:
    classifier = load_classifier(llm_version.path)
    assert tells_scores(classifier)
    samples = live_samples(130)

    done = recalibrate(classifier, samples, frozenset("ABC"), error_target=0.05, no_unit_review=0.0)

    assert done.needed is None
    assert done.after.coverage > 0.8
    assert done.after.wrong == 0
    assert classifier.calibration == done.calibration


def test_a_unit_that_was_added_since_is_asked_too_and_never_routed(
    llm_version: TrainedVersion,
) -> None:
    # Given a version that knows a unit by its name alone, and tickets of that unit
    classifier = load_classifier(llm_version.path, UnitsNow(added={"D": "地震局"}))
    assert tells_scores(classifier)
    samples = live_samples(130)
    new = [
        Sample(sample.text, "D") if row % 26 == 0 else sample for row, sample in enumerate(samples)
    ]

    done = recalibrate(classifier, new, frozenset("ABCD"), error_target=0.2, no_unit_review=0.0)

    # Then these count as wrong answers
    assert done.unlearned == 5
    assert done.after.routed > 0
    assert done.after.wrong > 0
    assert done.calibration.error_bound is not None
    assert done.calibration.error_bound <= 0.2
