"""When two column names mean the same column."""

import pytest

from producer.files.column_names import find_name, is_known_word, same_name


@pytest.mark.parametrize(
    "name",
    [
        "external_id",
        " External_ID ",
        "external id",
        "EXTERNAL-ID",
        "\ufeffexternal_id",
        "ＥＸＴＥＲＮＡＬ＿ＩＤ",
    ],
)
def test_case_width_spaces_and_joiners_do_not_count(name: str) -> None:
    assert same_name(name, "external_id")
    assert find_name(["text", name], "external_id") == name


def test_the_exact_name_goes_before_one_alike() -> None:
    assert find_name(["Text", "text"], "text") == "text"
    assert find_name(["标题", "内容"], "text") is None


@pytest.mark.parametrize(("cell", "known"), [("诉求内容", True), ("Text", True), ("漏水", False)])
def test_names_that_tables_of_tickets_have_are_known(cell: str, known: bool) -> None:
    assert is_known_word(cell) is known
