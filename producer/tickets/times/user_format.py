"""A user's own time format (``--time-format``), checked before it meets a row."""

from datetime import UTC, datetime

from core.errors import InputError


def check_format(form: str) -> str:
    """Return a user's time format (``strptime``) if it tells a whole date.

    Raises:
        InputError: it is malformed, lacks year, month or day, or gives hours to 12 without %p.
    """
    # Neither part of this time can be taken for another one, nor for a default.
    probe = datetime(2027, 11, 26, 13, 45, 58, tzinfo=UTC)
    if not any(year in form for year in ("%Y", "%y", "%G")):
        raise InputError(f"--time-format {form!r} names no year (%Y)")
    if "%Z" in form or "%c" in form or "%x" in form or "%X" in form:
        raise InputError(
            f"--time-format {form!r}: %Z, %c, %x and %X mean another thing on each machine; write "
            "the parts out, and a zone as %z"
        )
    try:
        found = datetime.strptime(probe.strftime(form), form)  # noqa: DTZ007
    except ValueError as error:
        raise InputError(
            f"--time-format {form!r} is no time format ({error}): use one such as '%d/%m/%Y %H:%M'"
        ) from error
    if found.date() != probe.date() or found.hour not in (0, probe.hour):
        raise InputError(
            f"--time-format {form!r} does not tell a whole time: it needs year, month and day (%Y "
            "%m %d), and %p beside %I"
        )
    return form
