"""The stand-in learns in the frame in which the templates ask."""

from classifier.labels.template import load_template
from training.standin.frame import ANSWER, QUESTION, RESPONSE


def test_the_frame_is_that_of_the_short_template() -> None:
    text = load_template("short").text

    assert QUESTION in text
    assert RESPONSE in text
    assert ANSWER in text
