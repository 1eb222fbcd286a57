"""The verdict: promoted or refused, with every reason in words and numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of the gate found.

    Parameters:
        check: its name, such as "frozen" or "latency".
        passed: whether the challenger passed it.
        text: a sentence with its numbers.
        cure: what to do about a refusal; empty where nothing but a better challenger helps.
        facts: its numbers.
    """

    check: str
    passed: bool
    text: str
    cure: str = ""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the finding as a line for people."""
        line = f"{'passed' if self.passed else 'refused'}, {self.check}: {self.text}"
        return f"{line}. {self.cure[:1].upper()}{self.cure[1:]}" if self.cure else line


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger takes over, and why.

    Parameters:
        champion: the version that answers now.
        challenger: the version that would.
        look: the number of this comparison with the champion, from 1.
        findings: of each check; one that refuses is enough.
    """

    champion: str
    challenger: str
    look: int
    findings: tuple[Finding, ...]

    @property
    def promoted(self) -> bool:
        """Whether the challenger passed every check."""
        return all(finding.passed for finding in self.findings)

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that refuse."""
        return tuple(finding for finding in self.findings if not finding.passed)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every finding as a line for people, refusals first."""
        ordered = sorted(self.findings, key=lambda finding: finding.passed)
        return tuple(str(finding) for finding in ordered)

    @property
    def facts(self) -> dict[str, JsonValue]:
        """All of it as JSON, for a column of the record; it holds no text of a ticket."""
        return {
            "champion": self.champion,
            "challenger": self.challenger,
            "look": self.look,
            "promoted": self.promoted,
            "findings": [
                {
                    "check": one.check,
                    "passed": one.passed,
                    "text": one.text,
                    "cure": one.cure,
                    **one.facts,
                }
                for one in self.findings
            ],
        }

    def to_json(self) -> str:
        """Return ``facts`` as JSON text."""
        return json.dumps(self.facts, ensure_ascii=False)
