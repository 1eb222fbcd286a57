"""Priority rules: words that lift a ticket to the front of its lane, read from a TOML file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from core.errors import InputError
from core.toml_text import parse_toml
from db.models import LEAST, URGENT
from db.tickets import NewTicket


@dataclass(frozen=True, slots=True)
class Rule:
    """A ticket that holds one of ``words`` has at least ``priority``."""

    name: str
    priority: int
    words: tuple[str, ...]


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Read a rules file; None reads the shipped one.

    Raises:
        InputError: the file is missing, no TOML, or a rule lacks a field; names the rule.
    """
    shown = path or Path("producer/tickets/rules.toml")
    try:
        text = (
            path.read_text("utf-8")
            if path
            else files("producer.tickets").joinpath("rules.toml").read_text("utf-8")
        )
        table = parse_toml(text)
    except OSError as error:
        raise InputError(f"rules file {shown}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"rules file {shown} is no TOML: {error}") from error
    entries = table.pop("rule", [])
    if table:
        raise InputError(
            f"rules file {shown}: unknown {next(iter(table))!r}; it holds [[rule]] only"
        )
    if not isinstance(entries, list):
        raise InputError(f"rules file {shown}: a rule begins with [[rule]], in two brackets")
    return tuple(_rule(shown, number, entry) for number, entry in enumerate(entries, 1))


def _rule(path: Path, number: int, entry: object) -> Rule:
    if not isinstance(entry, dict):
        raise InputError(f"rules file {path}, rule {number}: a table [[rule]] is expected")
    name, priority, words = entry.get("name"), entry.get("priority"), entry.get("words")
    where = f"rules file {path}, rule {number} ({name!r})"
    if not isinstance(name, str):
        raise InputError(f"{where}: a name is missing")
    if type(priority) is not int or not URGENT <= priority <= LEAST:
        raise InputError(f"{where}: priority must be {URGENT} (urgent) to {LEAST}")
    if (
        not isinstance(words, list)
        or not words
        or not all(isinstance(w, str) and w.strip() for w in words)
    ):
        raise InputError(f"{where}: words must be a list of texts, at least one")
    return Rule(name, priority, tuple(word.casefold() for word in words))


def prioritise(ticket: NewTicket, rules: Sequence[Rule]) -> NewTicket:
    """Return the ticket with the most urgent priority of its own and the rules that match."""
    text = f"{ticket.title or ''}\n{ticket.text}".casefold()
    matching = [rule.priority for rule in rules if any(word in text for word in rule.words)]
    priority = min([ticket.priority, *matching])
    return ticket if priority == ticket.priority else replace(ticket, priority=priority)
