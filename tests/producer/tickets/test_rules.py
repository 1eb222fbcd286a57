"""Priority rules: they lift what is urgent and lower nothing; a broken file is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from db.tickets import NewTicket
from producer.tickets.rules import Rule, load_rules, prioritise
from tests.support.make import new_ticket


def lifted(ticket: NewTicket) -> int:
    return prioritise(ticket, load_rules()).priority


@pytest.mark.parametrize(
    "ticket",
    [
        new_ticket(text="我家闻到很重的煤气味，怀疑燃气泄漏"),
        new_ticket(title="天然气泄漏", text="请尽快派人"),
        new_ticket(text="Strong SMELL OF GAS in the hallway"),
        new_ticket(text="老人被困在电梯里"),
    ],
    ids=["text", "title", "English", "trapped"],
)
def test_shipped_rules_lift_danger_to_the_most_urgent(ticket: NewTicket) -> None:
    assert lifted(ticket) == 1


def test_shipped_rules_lift_a_burst_main_to_urgent() -> None:
    assert lifted(new_ticket(text="门口水管爆裂，水流满街")) == 2


@pytest.mark.parametrize("text", ["路灯坏了", "小区停车收费不合理", "gas station prices"])
def test_shipped_rules_leave_routine_as_it_is(text: str) -> None:
    ticket = new_ticket(text=text)

    assert prioritise(ticket, load_rules()) is ticket
    assert ticket.priority == 3


@pytest.mark.parametrize(("own", "rule", "result"), [(1, 2, 1), (3, 5, 3), (5, 4, 4), (2, 2, 2)])
def test_a_rule_never_lowers_what_the_source_gave(own: int, rule: int, result: int) -> None:
    rules = [Rule("r", rule, ("漏水",))]

    assert prioritise(new_ticket(text="漏水", priority=own), rules).priority == result


def test_the_most_urgent_of_the_matching_rules_counts() -> None:
    rules = [Rule("a", 2, ("漏",)), Rule("b", 1, ("水",)), Rule("c", 4, ("漏水",))]

    assert prioritise(new_ticket(text="漏水", priority=5), rules).priority == 1


def test_only_the_priority_changes() -> None:
    ticket = new_ticket(text="着火了", title="急", meta={"a": 1}, unit="A", lane="live")

    urgent = prioritise(ticket, load_rules())

    assert urgent.priority == 1
    assert replace(urgent, priority=3) == ticket


def test_a_file_of_ones_own_replaces_the_shipped_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[[rule]]\nname = "VIP"\npriority = 2\nwords = ["Straße"]\n')

    rules = load_rules(path)

    assert [rule.name for rule in rules] == ["VIP"]
    assert prioritise(new_ticket(text="In der STRASSE"), rules).priority == 2


def test_an_empty_file_turns_the_rules_off(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("# none\n")

    assert load_rules(path) == ()


RULE = '[[rule]]\nname = "r"\npriority = 1\nwords = ["a"]\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[rule]\n", "is no TOML"),
        (b"\xff\xfe\x00", "is no TOML"),
        (RULE + "[[rule]]\npriority = 1\nwords = ['a']\n", r"rule 2 \(None\): a name is missing"),
        ('[[rule]]\nname = "r"\nwords = ["a"]\n', r"rule 1 \('r'\): priority must be 1"),
        (RULE.replace("= 1", "= 0"), "priority must be"),
        (RULE.replace("= 1", "= 6"), "priority must be"),
        (RULE.replace("= 1", '= "1"'), "priority must be"),
        (RULE.replace("= 1", "= true"), "priority must be"),
        (RULE.replace('["a"]', "[]"), "words must be a list of texts"),
        (RULE.replace('["a"]', '"a"'), "words must be a list of texts"),
        (RULE.replace('["a"]', '["a", ""]'), "words must be a list of texts"),
        (RULE.replace('["a"]', '["a", " "]'), "words must be a list of texts"),
        (RULE.replace('["a"]', '["a", 1]'), "words must be a list of texts"),
        (RULE.replace("[[rule]]", "[rule]"), r"begins with \[\[rule\]\], in two brackets"),
        (RULE.replace("[[rule]]", "[[rules]]"), "unknown 'rules'"),
        ("rule = [1, 2]\n", "rule 1: a table"),
    ],
)
def test_a_broken_rules_file_is_refused_and_says_where(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(InputError, match=message) as error:
        load_rules(path)
    assert str(path) in str(error.value)


def test_a_missing_rules_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: No such file"):
        load_rules(tmp_path / "none.toml")
    with pytest.raises(InputError, match="Is a directory"):
        load_rules(tmp_path)
