"""A bar on a terminal, a line now and then elsewhere."""

import pytest

from paidan.progress import bar as module
from paidan.progress.bar import Bar, Rate


@pytest.fixture
def bar() -> Bar:
    return Bar("submitted", Rate())


def test_without_a_terminal_lines_come_now_and_then(
    bar: Bar, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with bar:
        bar.start()
        bar.show("at once", 1)
        monkeypatch.setattr(module, "_LINE_EVERY_S", 0.0)
        bar.show("later", 2, total=3)

    assert capsys.readouterr() == ("", "later\n")


def test_a_line_is_printed_as_it_is(bar: Bar, capsys: pytest.CaptureFixture[str]) -> None:
    line = "wrote /models/[old]/v " + "很长" * 80

    bar.say(line)

    assert capsys.readouterr().err == line + "\n"


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("submitted", Rate(), quiet=True) as bar:
        bar.start()
        bar.restart("classified", 2)
        bar.say("a line")

    assert capsys.readouterr() == ("", "")
