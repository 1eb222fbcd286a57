"""Which database: ``PAIDAN_DATABASE_URL`` is read here once, into SQLAlchemy's form."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url

from core.url import decoded, parameters, refuse_unknown_parameters, split_credentials

_FORMS = "use postgresql://user:password@host:5432/name or sqlite:////absolute/path.db"
_POSTGRESQL = ("postgres", "postgresql", "postgresql+psycopg")
_SERVER = re.compile(
    r"([\w.%-]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5})?)?(/[^/?#@]*)?(\?(?P<query>.*))?"
)
# Of SQLite's own URIs, and of Python's module.
_SQLITE_URI = ("mode", "cache", "immutable", "nolock", "psow", "vfs")
_SQLITE = (*_SQLITE_URI, "uri", "timeout")


def parse_database_url(url: str) -> URL:
    """Read a URL, also one whose password is not percent-encoded where it has one reading only.

    Raises:
        ValueError: it cannot be read or used; says what to do and quotes nothing of it.
    """
    scheme, mark, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not mark:
        raise ValueError(f"it cannot be read: {_FORMS}")
    if scheme == "sqlite":
        return _sqlite(rest)
    if scheme in _POSTGRESQL:
        return _postgresql(rest)
    named = repr(scheme) if re.fullmatch(r"[a-z][a-z0-9+]*", scheme) else "another database"
    raise ValueError(f"it names {named}: Paidan runs on postgresql:// and sqlite:// ({_FORMS})")


def sqlite_url(path: Path) -> URL:
    """Return the URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path))


def _postgresql(rest: str) -> URL:
    known = _libpq_parameters()

    def address(place: str) -> str | None:
        found = _SERVER.fullmatch(place)
        if found is None or any(name not in known for name, _ in parameters(found["query"] or "")):
            return None
        return place

    try:
        user, place = split_credentials(rest, address)
    except ValueError:
        refuse_unknown_parameters(rest, known)
        raise
    username, _, password = user.partition(":")
    url = make_url(f"postgresql+psycopg://{place}")
    if url.port is not None and not 0 < url.port < 2**16:
        raise ValueError(f"its port {url.port} is none: {_FORMS}")
    host = decoded(url.host or "", "[?#]")
    on_socket = host.startswith("/")
    return URL.create(
        url.drivername,
        username=decoded(username, "@") or None,
        password=decoded(password, "@") or None,
        host=None if on_socket else host or None,
        port=url.port,
        database=url.database or None,
        query=url.query | {"host": host} if on_socket else url.query,
    )


@cache
def _libpq_parameters() -> frozenset[str]:
    """Return what a PostgreSQL client can be told in a URL, such as sslmode."""
    from psycopg.pq import Conninfo

    return frozenset(option.keyword.decode() for option in Conninfo.get_defaults())


def _sqlite(rest: str) -> URL:
    """Read what is behind ``sqlite://``; a ``?`` that begins no known parameters is of the path."""
    path, mark, query = rest.rpartition("?")
    given = dict(parameters(query)) if mark else {}
    if not mark or (not given.keys() <= set(_SQLITE) and "/" in query):
        path, given = rest, {}
    refuse_unknown_parameters("?" + query if given else "", _SQLITE)
    if path and not path.startswith("/"):
        raise ValueError("sqlite:// names a file by its path alone: sqlite:////absolute/path.db")
    file = decoded(path[1:], "[?#]")
    if file in ("", ":memory:", "file::memory:") or given.get("mode") == "memory":
        raise ValueError(
            "a SQLite database in memory is each process' own: name a file, as "
            "sqlite:////absolute/path.db"
        )
    if file.startswith("file:") or not given.keys() & set(_SQLITE_URI):
        return URL.create("sqlite", database=file, query=given)
    # SQLite heeds these in a URI of its own only.
    uri = f"file:{quote(str(Path(file).absolute()))}"
    return URL.create("sqlite", database=uri, query=given | {"uri": "true"})
