"""URLs of servers: one reading is taken, two are refused, and nothing of them is quoted."""

import pytest

from core.url import decoded, parameters, refuse_unknown_parameters, split_credentials


def host(place: str) -> str | None:
    """A reader that takes a host of letters, with whatever path."""
    name, _, _path = place.partition("/")
    return name if name.isalpha() else None


@pytest.mark.parametrize(
    ("rest", "credentials", "found"),
    [
        ("h", "", "h"),
        ("u:p@h", "u:p", "h"),
        ("u:p%40x@h/0", "u:p%40x", "h"),
        ("u:p@ss@h", "u:p@ss", "h"),  # not encoded, but there is no other reading
        ("u:p/w?#@h", "u:p/w?#", "h"),
        ("u:p@h/a@b", "u:p", "h"),  # by the rules, though "b" could be a host too
    ],
)
def test_user_and_password_are_parted_from_the_address(
    rest: str, credentials: str, found: str
) -> None:
    assert split_credentials(rest, host) == (credentials, found)


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("u:s3cret@1", "it cannot be read"),
        ("u:s3/cret@h/a@b", "more than one way"),
        ("u:s3cret\n@h", "control character"),
    ],
)
def test_what_has_no_reading_or_two_is_refused_and_not_quoted(rest: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        split_credentials(rest, host)

    assert "s3" not in str(refused.value)
    assert "percent-encode" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("abc", "abc"), ("a%40b", "a@b"), ("a@b", "a@b"), ("100%", "100%"), ("%E5%AF%86", "密")],
)
def test_a_text_is_encoded_or_as_it_is(text: str, meant: str) -> None:
    assert decoded(text, "@") == meant


@pytest.mark.parametrize("text", ["a@b%40", "50%%40"])
def test_a_text_that_is_both_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than one way"):
        decoded(text, "@")


def test_what_encodes_no_utf_8_is_refused() -> None:
    with pytest.raises(ValueError, match="does not encode UTF-8"):
        decoded("a%ff", "@")


def test_parameters_are_decoded_and_may_be_empty() -> None:
    assert parameters("a=1&b=&c=%2F") == [("a", "1"), ("b", ""), ("c", "/")]


def test_an_unknown_parameter_is_named_unless_it_may_be_of_a_password() -> None:
    with pytest.raises(ValueError, match=r"^pool cannot be set in it$"):
        refuse_unknown_parameters("h?pool=4&db=1", ("db",))

    refuse_unknown_parameters("h?db=1", ("db",))
    refuse_unknown_parameters("u:a?s3cret=4@h", ("db",))
    refuse_unknown_parameters("h?s3-cret=4", ("db",))
