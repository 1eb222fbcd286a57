"""Units as files name them: which stored unit each one means, and what is refused."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from core.errors import TaxonomyError
from core.names import name_key, spelled, tidy_name
from db.unit_index import UnitIndex

STATUSES = ("active", "retired", "merged")
MAX_CODE_CHARS, MAX_NAME_CHARS = 100, 200


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit as a file names it.

    Attributes:
        code: where code and name are the same, a stored unit of another code may be meant.
        merged_into: the code of the unit that took it over.
        split_into: codes of the units that took it over together; it is retired then.
        place: where the file has it, for messages.
    """

    code: str
    name: str
    responsibilities: str = ""
    parent: str | None = None
    status: str = "active"
    merged_into: str | None = None
    split_into: tuple[str, ...] = ()
    place: str = field(default="", compare=False)

    @property
    def shown(self) -> str:
        """The code and the place, for messages."""
        return f"{spelled(self.code)} ({self.place})" if self.place else spelled(self.code)


def identify(records: Iterable[UnitRecord], index: UnitIndex) -> dict[str, UnitRecord]:
    """Return records by code, ready to be stored, each under the code of the unit it means.

    Raises:
        TaxonomyError: a code, name, status, parent or successor cannot be taken.
    """
    wanted = _check_unique([_identified(record, index) for record in records], index)
    codes = {*index.units, *wanted}
    return {code: _linked(record, codes) for code, record in wanted.items()}


def _identified(record: UnitRecord, index: UnitIndex) -> UnitRecord:
    """Return the record with tidy names, under the code of the unit it means.

    Raises:
        TaxonomyError: its code looks like another unit's.
    """
    _check_record(record)
    if (unit := index.units.get(record.code)) is not None:
        return record if record.name == unit.name else replace(record, name=tidy_name(record.name))
    found = index.alike(record.code)
    if not found:
        return replace(record, code=tidy_name(record.code), name=tidy_name(record.name))
    if record.code == record.name and len(found) == 1:  # it has no code of its own
        return replace(record, code=found[0].code, name=found[0].name)
    raise TaxonomyError(
        f"unit {record.shown}: it looks like unit {' and '.join(spelled(u.code) for u in found)}; "
        "give it that code as it is stored ('paidan units list --all'), or another one"
    )


def _check_unique(records: Iterable[UnitRecord], index: UnitIndex) -> dict[str, UnitRecord]:
    """Return the records by code; refuse two whose codes or names are the same or look alike."""
    wanted: dict[str, UnitRecord] = {}
    names: dict[str, UnitRecord] = {}
    codes: dict[str, UnitRecord] = {}
    looks: dict[str, UnitRecord] = {}
    for record in records:
        if (twin := wanted.get(record.code)) is not None:
            where = f", {twin.place} and {record.place}" if record.place else ""
            raise TaxonomyError(
                f"unit code {record.code!r} stands twice{where}; each needs its own"
            )
        if (twin := names.get(record.name)) is not None:
            raise TaxonomyError(
                f"units {twin.shown} and {record.shown} share the name {record.name!r}; "
                "a name must tell units apart"
            )
        # Stored units that look alike may be merged. Units that are gone may look like any.
        if record.code not in index.units:
            _check_look(codes, record.code, record)
        if record.status == "active":
            _check_look(looks, record.name, record)
        wanted[record.code] = names[record.name] = record
    return wanted


def _check_look(seen: dict[str, UnitRecord], text: str, record: UnitRecord) -> None:
    twin = seen.setdefault(name_key(text), record)
    if twin is not record:
        raise TaxonomyError(
            f"units {twin.shown} and {record.shown} look alike: they differ by case, width, "
            "spaces or characters that are not seen; keep one of them"
        )


def _check_record(record: UnitRecord) -> None:
    for role, text, limit in (
        ("code", record.code, MAX_CODE_CHARS),
        ("name", record.name, MAX_NAME_CHARS),
    ):
        if not text.strip() or len(text) > limit:
            raise TaxonomyError(
                f"unit {record.code[:MAX_CODE_CHARS]!r}: its {role} has {len(text)} characters; "
                f"1 to {limit} are taken, not all of them blank"
            )
    if record.status not in STATUSES:
        raise TaxonomyError(
            f"unit {record.code!r}: status {record.status!r} is none of {', '.join(STATUSES)}"
        )


def _linked(record: UnitRecord, codes: Collection[str]) -> UnitRecord:
    """Return the record with its parent's and successor's codes as they are stored."""
    parent = None if record.parent is None else _known(record, "parent", record.parent, codes)
    into = record.merged_into
    merged_into = None if into is None else _known(record, "merged_into", into, codes)
    split_into = tuple(_known(record, "split_into", part, codes) for part in record.split_into)
    if split_into:
        _check_split(record, split_into)
    return replace(record, parent=parent, merged_into=merged_into, split_into=split_into)


def _check_split(record: UnitRecord, parts: tuple[str, ...]) -> None:
    """Refuse a split that is none."""
    if record.status != "retired":
        raise TaxonomyError(
            f"unit {record.shown}: it cannot be {record.status} and split_into others: leave the "
            "status out, and merged_into"
        )
    if len(set(parts)) < 2 or record.code in parts:
        raise TaxonomyError(
            f"unit {record.shown}: split_into names two units or more, not itself; what stays of "
            "it needs a code of its own, for its old tickets are of no one part"
        )


def _known(record: UnitRecord, role: str, code: str, codes: Collection[str]) -> str:
    if code in codes:
        return code
    alike = [known for known in codes if name_key(known) == name_key(code)]
    if len(alike) != 1:
        raise TaxonomyError(f"unit {record.shown}: its {role} {code!r} is no known unit")
    return alike[0]
