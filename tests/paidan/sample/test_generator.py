"""The synthetic sample: well-formed units; distinct, repeatable and labelled tickets."""

import json
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from core.privacy import mask
from paidan.sample.corpus import load_corpus
from paidan.sample.generator import SampleTicket, generate, load_units

COUNT = 20_000


@pytest.fixture(scope="module")
def tickets() -> list[SampleTicket]:
    return list(generate(COUNT))


def test_units_are_seventy_with_unique_codes_and_names_and_known_parents() -> None:
    units = load_units()

    codes = {unit.code for unit in units}
    assert len(units) == len(codes) == len({unit.name for unit in units}) == 70
    assert all(unit.parent in codes - {unit.code} for unit in units if unit.parent)
    assert all(unit.responsibilities.endswith("。") for unit in units)


def test_no_two_texts_are_equal(tickets: list[SampleTicket]) -> None:
    assert len({ticket.text for ticket in tickets}) == COUNT


def test_no_template_shows_through(tickets: list[SampleTicket]) -> None:
    assert not [ticket for ticket in tickets if re.search(r"[{}\[\]|]", ticket.title + ticket.text)]


def test_texts_are_as_long_as_hotline_messages(tickets: list[SampleTicket]) -> None:
    lengths = sorted(len(ticket.text) for ticket in tickets)

    assert lengths[0] >= 25
    assert lengths[COUNT // 4] < 90 < lengths[COUNT * 3 // 4]
    assert 95 < sum(lengths) / COUNT < 125


def test_a_slice_equals_that_part_of_the_whole() -> None:
    whole = list(generate(100))

    assert list(generate(10, start=90)) == whole[90:]


def test_seed_decides_the_tickets() -> None:
    texts = [ticket.text for ticket in generate(50, seed=1)]

    assert texts == [ticket.text for ticket in generate(50, seed=1)]
    assert not set(texts) & {ticket.text for ticket in generate(50, seed=2)}


def test_calls_follow_each_other_in_the_citys_time_zone(tickets: list[SampleTicket]) -> None:
    assert tickets[17].external_id == "SYN-00000017"
    assert all(ticket.received_at.utcoffset() == timedelta(hours=8) for ticket in tickets)
    assert all(one.received_at < next_.received_at for one, next_ in pairwise(tickets))


def test_every_unit_occurs_and_frequencies_are_uneven(tickets: list[SampleTicket]) -> None:
    shares = Counter(ticket.unit for ticket in tickets)

    assert set(shares) == {unit.code for unit in load_units()}
    assert min(shares.values()) > 0.004 * COUNT
    assert max(shares.values()) > 5 * min(shares.values())


def test_operator_is_wrong_now_and_then_and_names_a_neighbour(
    tickets: list[SampleTicket],
) -> None:
    names = {unit.code: unit.name for unit in load_units()}
    neighbours = {unit.name: unit.neighbours for unit in load_corpus().units}

    wrong = [ticket for ticket in tickets if ticket.operator_unit != ticket.unit]

    assert 0.02 < len(wrong) / COUNT < 0.06
    assert all(names[t.operator_unit] in neighbours[names[t.unit]] for t in wrong)


def test_where_the_place_decides_the_text_names_it(tickets: list[SampleTicket]) -> None:
    names = {unit.code: unit.name for unit in load_units()}
    homes = {unit.name: unit.home for unit in load_corpus().units}

    for ticket in tickets:
        home = homes[names[ticket.unit]]
        if home:
            assert any(anchor in ticket.text for anchor in home.anchors), ticket.text
            assert ticket.district == home.district


def test_side_matter_belongs_to_another_unit(tickets: list[SampleTicket]) -> None:
    sides = [ticket for ticket in tickets if "side_unit" in ticket.meta]

    assert 0.05 < len(sides) / COUNT < 0.25
    assert all(ticket.meta["side_unit"] != ticket.unit for ticket in sides)


def test_units_own_name_is_seldom_given_away(tickets: list[SampleTicket]) -> None:
    names = {unit.code: unit.name for unit in load_units()}

    assert sum(names[ticket.unit] in ticket.text for ticket in tickets) < 0.05 * COUNT


def test_a_few_tickets_are_live(tickets: list[SampleTicket]) -> None:
    lanes = Counter(ticket.lane for ticket in tickets)

    assert set(lanes) == {"bulk", "live"}
    assert 0.01 < lanes["live"] / COUNT < 0.03


def test_all_tickets_say_that_they_are_synthetic(tickets: list[SampleTicket]) -> None:
    assert all(ticket.meta["synthetic"] is True for ticket in tickets)


def test_masker_leaves_no_phone_number(tickets: list[SampleTicket]) -> None:
    number = re.compile(r"1[3-9]\d[- ]?0000|0900-5550")
    assert sum(bool(number.search(ticket.text)) for ticket in tickets) > 0.1 * COUNT

    left = [ticket.text for ticket in tickets if number.search(mask(ticket.text))]

    assert not left


def test_module_command_writes_a_line_for_each_ticket(tmp_path: Path) -> None:
    out = tmp_path / "tickets.jsonl"
    command = [sys.executable, "-W", "error", "-m", "paidan.sample.generator"]

    subprocess.run([*command, "--count", "12", "--seed", "5", "--start", "3", str(out)], check=True)

    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [record["external_id"] for record in records] == [f"SYN-{i:08d}" for i in range(3, 15)]
    names = {unit.code: unit.name for unit in load_units()}
    first = next(generate(1, seed=5, start=3))
    assert records[0] == {
        "external_id": first.external_id,
        "title": first.title,
        "text": first.text,
        "received_at": first.received_at.isoformat(),
        "district": first.district,
        "lane": first.lane,
        "unit": names[first.unit],
        "operator_unit": names[first.operator_unit],
        "meta": first.meta,
    }
