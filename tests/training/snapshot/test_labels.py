"""Where near-duplicates have several labels, the strongest holds, or none."""

from dataclasses import replace

from tests.support.snapshots import decided, like, row
from training.snapshot.labels import settle, settle_judged
from training.snapshot.rows import Row


def in_group(number: int, *rows: Row) -> list[Row]:
    return [replace(one, group=number) for one in rows]


def test_rows_that_agree_are_kept() -> None:
    rows = in_group(1, row(1, "A"), row(2, "A"), row(1, "A")) + in_group(2, row(3, "B"))

    found = settle(rows)

    assert (found.rows, found.left_out, found.conflicts) == (rows, {}, [])


def test_a_decided_ticket_stands_for_the_file_s_row_and_keeps_its_thought() -> None:
    seed, person = row(1, "A", thought="because"), decided(1, "A")

    found = settle(in_group(1, seed, person))

    assert found.rows == in_group(1, replace(person, thought="because"))
    assert found.left_out == {"the file's row of a decided ticket": 1}


def test_a_person_beats_the_file_and_a_confirmed_list() -> None:
    seed = row(1, "A", thought="because")
    bulk, person = decided(2, "B", "bulk"), decided(3, "C")

    assert settle(in_group(1, seed, bulk)).rows == in_group(1, bulk)
    found = settle(in_group(1, seed, bulk, person))

    assert found.rows == in_group(1, person)
    assert found.left_out == {"label beaten by a person's decision": 2}


def test_where_the_strongest_differ_the_group_is_left_out_and_listed() -> None:
    files = in_group(1, row(1, "A"), row(2, "B"))
    people = in_group(2, row(3, "A"), decided(4, "A"), decided(5, "B"))
    other = in_group(3, row(6, "A"))

    found = settle([*files, *people, *other])

    assert found.rows == other
    assert found.left_out == {"near-duplicates with different units": 5}
    assert found.conflicts == [
        ["line 1 (A)", "line 2 (B)"],
        ["ticket 4 (A)", "ticket 5 (B)"],  # the file's label is weaker, and has no say
    ]


def test_a_form_that_came_often_outvotes_one_wrong_label() -> None:
    rows = in_group(1, row(99, "B"), *(row(n, "A") for n in range(9)))

    found = settle(rows)

    assert found.rows == rows[1:]
    assert found.left_out == {"label beaten by nine of ten near-duplicates": 1}
    assert found.conflicts == [["line 99 (B)", "line 0 (A)"]]
    assert settle(rows[:9]).left_out == {"near-duplicates with different units": 9}


def test_a_near_duplicate_of_a_decided_ticket_is_no_repetition() -> None:
    seed = replace(row(1, "A"), text=like(1))

    assert len(settle(in_group(1, seed, decided(1, "A"))).rows) == 2


def test_what_judges_takes_the_strongest_label_of_its_near_duplicates() -> None:
    frozen, person = in_group(1, row(1, "A"), decided(2, "B"))

    found = settle_judged([frozen], [frozen, person])

    assert found.rows == [replace(frozen, unit="B")]
    assert (found.left_out, found.conflicts) == ({}, [])


def test_what_judges_is_no_more_where_people_contradict_each_other() -> None:
    one, other = in_group(1, decided(1, "A"), decided(2, "B"))
    alone = in_group(2, row(3, "A"))  # of a file that is not given any more

    found = settle_judged([one, *alone], [one, other])

    assert found.rows == alone
    assert found.left_out == {"near-duplicates with different units": 2}
    assert found.conflicts == [["ticket 1 (A)", "ticket 2 (B)"]]


def test_a_confirmed_list_labels_nothing_that_judges() -> None:
    frozen, bulk = in_group(1, row(1, "A"), decided(2, "B", "bulk"))

    assert settle_judged([frozen], [frozen, bulk]).rows == [frozen]
