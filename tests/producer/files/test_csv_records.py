"""Records: quoted texts over lines, and quotes that nobody closed."""

from pathlib import Path

import pytest

from producer.files.rows import Row
from tests.support.tables import (
    HEADER,
    rows_of,
)


def test_quoted_newlines_count_as_lines_and_stay_in_the_text(csv_file: Path) -> None:
    rows = rows_of(csv_file, 'id,text\n1,"一\n二\r\n三"\n\n2,"说""急"""\n')

    assert rows == [
        Row(2, {"id": "1", "text": "一\n二\r\n三"}),
        Row(6, {"id": "2", "text": '说"急"'}),
    ]


@pytest.mark.parametrize(
    "content",
    [
        '2,"二\n3,三\n4,四\n',
        '2,"二\n3,三\n4,"四"\n',
        '2,"二\n3,三\n4,"四, 五"\n',
        '2,"二" 说\n3,三\n4,四\n',
    ],
    ids=["to the end", "to the next quote", "a comma in the next quote", "text behind a quote"],
)
def test_an_open_quote_costs_its_row_alone(csv_file: Path, content: str) -> None:
    first, broken, third, fourth = rows_of(csv_file, f"{HEADER}1,一\n{content}")

    assert first.values["text"] == "一"
    assert (broken.line, broken.values) == (3, {})
    assert broken.problem is not None
    assert "quote" in broken.problem
    assert third == Row(4, {"external_id": "3", "text": "三"})
    assert fourth.values["text"].startswith("四")


def test_an_open_quote_in_a_long_file_does_not_swallow_it(csv_file: Path) -> None:
    rest = "".join(f"{number},漏水{number}\n" for number in range(3, 9000))

    rows = rows_of(csv_file, f'{HEADER}1,一\n2,"二\n{rest}')

    assert [row.line for row in rows if row.problem] == [3]
    assert rows[-1].values == {"external_id": "8999", "text": "漏水8999"}
    assert len(rows) == 8999


def test_the_lines_of_a_text_with_broken_quotes_are_no_rows_of_their_own(csv_file: Path) -> None:
    letter = '2,"他说"急"\n第二行很长\n第三行"\n3,三\n'

    rows = rows_of(csv_file, f"{HEADER}1,一\n{letter}")

    taken = [row.values["text"] for row in rows if row.problem is None]
    assert taken == ["一", "三"]
