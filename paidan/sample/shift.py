"""The same city a year later: callers use other words for what they complain about."""

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from random import Random

from paidan.sample.generator import DEFAULT_SEED, SampleTicket


def shifted(ticket: SampleTicket, share: float = 1.0, *, seed: int = DEFAULT_SEED) -> SampleTicket:
    """Return a ticket as a caller would tell it later; its unit stays.

    Args:
        ticket: of ``generate``.
        share: of the words that have another one, 0 to 1; the ticket's own words are drawn anew.
        seed: of the draw, together with the ticket's id.
    """
    random = Random(f"{seed}:shift:{ticket.external_id}")
    words = _words()
    text = _pattern().sub(
        lambda found: words[found[0]] if random.random() < share else found[0], ticket.text
    )
    return replace(ticket, text=text, meta={**ticket.meta, "shifted": share})


@cache
def _words() -> dict[str, str]:
    table = resources.files("paidan.sample").joinpath("shift.toml").read_text(encoding="utf-8")
    words: dict[str, str] = tomllib.loads(table)["words"]
    return words


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _words()), key=len, reverse=True)))
