"""A fault is told by its type, its code and its place, and by those of its causes; by no value."""

import traceback

import pytest
from redis.exceptions import ResponseError

from core.broker import make_redis
from core.errors import InputError, StorageError
from core.faults import chain, describe, hush, redis_code, signature, trace
from core.settings import Settings
from tests.support.private import TEXT, marks_in


def test_a_signature_is_short_ascii_and_names_codes() -> None:
    assert signature(OSError(28, TEXT, TEXT)) == "OSError (ENOSPC)"
    wild = type("密" * 500, (Exception,), {})(TEXT)
    assert signature(wild).isascii()
    assert len(signature(wild)) < 200


def fail_within() -> BaseException:
    """An error that came from another one, both with a ticket's text."""
    try:
        try:
            {}[TEXT]
        except KeyError as cause:
            raise OSError(28, TEXT) from cause
    except OSError as error:
        return error


def test_a_signature_tells_the_place_and_the_causes() -> None:
    told = signature(fail_within())

    assert told.startswith("OSError (ENOSPC) at core/test_faults.py:")
    assert told.endswith(" in fail_within, from KeyError")
    assert marks_in(told) == []


def test_a_trace_has_the_frames_of_all_causes_and_no_text() -> None:
    told = trace(fail_within())

    assert [line for line in told.splitlines() if not line.startswith("  ")] == [
        "OSError (ENOSPC)",
        "from KeyError",
    ]
    assert told.count("core/test_faults.py:") == 2
    assert marks_in(told) == []


def test_a_group_names_its_first_members() -> None:
    group = ExceptionGroup(TEXT, [ValueError(TEXT), OSError(2, TEXT), KeyError(), KeyError()])

    assert signature(group) == "ExceptionGroup of 4: ValueError, FileNotFoundError, KeyError"


def test_our_own_errors_are_told_whole_unless_they_may_quote_a_file() -> None:
    assert describe(StorageError("the disk is full")) == "the disk is full"
    assert describe(InputError(f"line 3: {TEXT}")) == "InputError"
    assert describe(ValueError(TEXT)) == "ValueError"


def test_an_error_that_leaves_paidan_loses_its_texts() -> None:
    error, ours = RuntimeError(TEXT), StorageError("the disk is full")
    error.__cause__, ours.__cause__ = KeyError(TEXT), error
    error.__cause__.__cause__ = OSError(2, TEXT, TEXT, None, TEXT)

    hush(ours)

    told = "".join(traceback.format_exception(ours))
    assert "RuntimeError: RuntimeError" in told
    assert "StorageError: the disk is full" in told
    assert "FileNotFoundError (ENOENT)" in told
    assert marks_in(told) == []


def test_a_ring_of_causes_ends() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one

    assert list(chain(one)) == [one, other]


def test_a_redis_refusal_is_told_by_its_first_word(redis_url: str) -> None:
    client = make_redis(Settings(redis_url=redis_url))
    client.set("text", TEXT)
    pipeline = client.pipeline()
    pipeline.lpush("text", TEXT)

    for ask in (lambda: client.lpush("text", TEXT), pipeline.execute):
        with pytest.raises(ResponseError) as caught:
            ask()
        assert redis_code(caught.value) == "WRONGTYPE"
        assert signature(caught.value).startswith("ResponseError (WRONGTYPE) at redis/")


@pytest.mark.parametrize("error", [ValueError("OOM command"), ResponseError(TEXT), ResponseError()])
def test_what_is_no_code_of_redis_is_not_told(error: Exception) -> None:
    assert redis_code(error) is None
