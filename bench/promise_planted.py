"""A made-up set in which tickets are told again, and what the old division of it promised.

Of some tickets no word tells the unit. A model cannot know it of a new one, and is unsure. But
where it has learned such a ticket, it is sure of the same one told again.
"""

from random import Random

from bench.promise_model import learn
from bench.promise_splits import TARGET, Routed, Row, row
from training.samples import Sample

UNITS = tuple("ABCDEF")
TICKETS, ASKED = 500, 3_000
TOLD = 3
"""How often a ticket is told on the average."""
VAGUE = 0.25
"""Share of tickets without a word of their unit."""
WORDS, OWN_WORDS = 400, 10
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Town:
    """Makes tickets of words, some of which are a unit's own."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._words = [self._word() for _ in range(WORDS)]
        self._own = {unit: [self._word() for _ in range(OWN_WORDS)] for unit in UNITS}

    def ticket(self) -> Sample:
        """Return a new ticket."""
        unit = self.random.choice(UNITS)
        words = self.random.choices(self._words, k=12)
        if self.random.random() >= VAGUE:
            words[:4] = self.random.sample(self._own[unit], 4)
        self.random.shuffle(words)
        return Sample(" ".join(words), unit)

    def again(self, ticket: Sample) -> Sample:
        """Return a ticket told again: another word, another sign."""
        words = ticket.text.split()
        words[self.random.randrange(len(words))] += self.random.choice("!?.")
        return Sample(" ".join([*words, self.random.choice(self._words)]), ticket.unit)

    def _word(self) -> str:
        return "".join(self.random.choices(LETTERS, k=self.random.randint(3, 7)))


def compare(draws: int) -> list[Row]:
    """Return a row for the old division of the samples and one for the new."""
    return [
        {"division": name, **row([measure(seed, grouped=name == "new") for seed in range(draws)])}
        for name in ("old", "new")
    ]


def measure(seed: int, *, grouped: bool, count: int = TICKETS) -> Routed:
    """Train on tickets told again; return what is routed of new ones.

    Args:
        seed: of the tickets.
        grouped: whether near-duplicates are kept together, as training does.
        count: different tickets to train on.
    """
    town = Town(seed)
    tickets = [town.ticket() for _ in range(count)]
    again = [town.again(town.random.choice(tickets)) for _ in range(count * (TOLD - 1))]
    asked = [town.ticket() for _ in range(ASKED)]
    # The division alone is measured: no_unit's threshold comes from it, too, and would hide it.
    model = learn([*tickets, *again], TARGET, seed, grouped=grouped, review=0)
    answers, routed = model.answer(asked)
    return Routed(ASKED, int(routed.sum()), int((routed & ~answers.correct).sum()))
