"""The delimiter of a file, by its first lines."""

from pathlib import Path

import pytest

from tests.support.tables import (
    rows_of,
)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", "external_id;text\n1;路灯坏了，很黑, 请修, 谢谢, 急\n2;a, b, c\n"),
        (
            ".csv",
            'sep=;\r\nexternal_id;text\r\n1;"路灯坏了，很黑, 请修, 谢谢, 急"\r\n2;a, b, c\r\n',
        ),
        (".tsv", "external_id\ttext\n1\t路灯坏了，很黑, 请修, 谢谢, 急\n2\ta, b, c\n"),
        (".txt", "external_id|text\n1|路灯坏了，很黑, 请修, 谢谢, 急\n2|a, b, c\n"),
        (".csv", 'external_id, text\n1, "路灯坏了，很黑, 请修, 谢谢, 急"\n2, "a, b, c"\n'),
        (".tab", '"external_id"\t"text"\n"1"\t"路灯坏了，很黑, 请修, 谢谢, 急"\n2\ta, b, c\n'),
    ],
    ids=["semicolon", "sep", "tab", "pipe", "spaces before quotes", "quoted tabs"],
)
def test_the_delimiter_is_known_by_the_first_lines(
    tmp_path: Path, suffix: str, content: str
) -> None:
    rows = rows_of(tmp_path / f"t{suffix}", content)

    texts = ["路灯坏了，很黑, 请修, 谢谢, 急", "a, b, c"]
    assert [row.values for row in rows] == [
        {"external_id": str(number), "text": text} for number, text in enumerate(texts, 1)
    ]


def test_a_delimiter_is_known_though_no_name_in_the_header_is(csv_file: Path) -> None:
    texts = ["der Aufzug steht; seit gestern", "es regnet; durchs Dach"]

    rows = rows_of(csv_file, "Nr|Gebäude\n" + "".join(f"{n}|{t}\n" for n, t in enumerate(texts)))

    assert [row.values for row in rows] == [
        {"Nr": str(number), "Gebäude": text} for number, text in enumerate(texts)
    ]
