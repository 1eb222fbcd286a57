"""A row of the export: every column is there, and what is not known is empty."""

from db.export_row import EXPORT_COLUMNS, SETS, export_row
from db.models import Classification, Correction, Ticket, Unit
from db.unit_index import UnitIndex

INDEX = UnitIndex(
    Unit(code=code, name=f"{code}局", status=status, merged_into=into)
    for code, status, into in (("A", "active", None), ("B", "merged", "A"))
)


def ticket(**values: object) -> Ticket:
    return Ticket(**{"source": "s", "external_id": "1", "text": "x", "status": "review", **values})


def answer(**values: object) -> Classification:
    given = {"unit_code": "A", "probability": 0.75, "top_k": [["A", 0.75], ["gone", 0.2]]}
    return Classification(**given | values)


def test_of_a_ticket_that_nobody_answered_or_decided_the_rest_is_empty() -> None:
    row = export_row(INDEX, ticket(status="queued"), None, None, None)

    assert tuple(row) == EXPORT_COLUMNS
    assert {name for name, value in row.items() if value is not None} == {
        *("source", "external_id", "text", "status")
    }


def test_units_are_named_and_one_that_was_removed_keeps_its_code() -> None:
    row = export_row(INDEX, ticket(), answer(sets={"0.9": ["A"]}), None, [("B", "x")])

    assert (row["predicted_unit"], row["top_k"]) == ("A局", [["A局", 0.75], ["gone", 0.2]])
    assert [row[column] for column in SETS] == [["A局"], None]
    assert (row["returned_by"], row["return_reasons"]) == (["B局"], ["x"])


def test_a_decided_unit_says_who_decided_why_they_were_asked_and_what_stands_for_it_now() -> None:
    decision = Correction(actor="li", asked="sample")
    by_model = export_row(INDEX, ticket(status="routed", unit_code="A"), answer(), None, None)
    by_person = export_row(INDEX, ticket(status="routed", unit_code="B"), answer(), decision, None)

    columns = "final_unit", "unit_now", "decided_by", "asked"
    assert [by_model[name] for name in columns] == ["A局", None, "model", None]
    assert [by_person[name] for name in columns] == ["B局", ["A局"], "li", "sample"]
