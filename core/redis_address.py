"""Where Redis is: ``PAIDAN_REDIS_URL`` is read here once, for redis-py and for kombu alike.

The two read one URL differently: ``unix://…?db=2`` is database 2 to redis-py and 0 to kombu. So
neither is given the user's URL. No message here quotes it, for it may hold a password.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from core.url import decoded, parameters, refuse_unknown_parameters, split_credentials

_PORT = 6379
_FORMS = (
    "use redis://user:password@host:6379/0, rediss://… (TLS) or "
    "unix://user:password@/path/to/redis.sock?db=0"
)
_RESERVED = r"[@/?#\[\]]"
# Each with what it may be, None where that is a path or a text.
_OPTIONS: dict[str, tuple[str, ...] | None] = {
    "db": None,
    "username": None,
    "password": None,
    "ssl_cert_reqs": ("required", "optional", "none"),
    "ssl_check_hostname": ("true", "false"),
    "ssl_ca_certs": None,
    "ssl_certfile": None,
    "ssl_keyfile": None,
}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis server, one of its databases, and as whom to speak to it.

    Parameters:
        host, port: of a server on the network.
        socket: the unix socket's absolute path; None on the network.
        db: the database's number.
        username, password: empty where none is needed.
        tls: whether the connection is encrypted.
        tls_options: redis-py's ``ssl_…`` arguments.
    """

    host: str = "localhost"
    port: int = _PORT
    socket: Path | None = None
    db: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: bool = False
    tls_options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The address without user and password, for messages."""
        if self.socket is not None:
            return f"unix://{self.socket}" + (f"?db={self.db}" if self.db else "")
        return f"{self._bracketed_host}:{self.port}/{self.db}"

    def client_options(self) -> dict[str, Any]:
        """Return the arguments of ``redis.Redis`` that name this server."""
        options: dict[str, Any] = {
            "db": self.db,
            "username": self.username or None,
            "password": self.password or None,
        }
        if self.socket is not None:
            return options | {"unix_socket_path": str(self.socket)}
        options |= {"host": self.host, "port": self.port}
        return options | ({"ssl": True, **self._tls_arguments()} if self.tls else {})

    def broker_url(self, transport: str = "redis") -> str:
        """Return kombu's URL of this server; TLS goes by ``broker_ssl``, not by the scheme.

        Args:
            transport: kombu's name or alias of the Redis transport that shall speak to it.
        """
        credentials = ""
        if self.username or self.password:
            credentials = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        if self.socket is not None:
            # kombu takes what is before the + as transport and parses the rest itself.
            path = quote(str(self.socket))
            query = urlencode({"virtual_host": self.db})
            return f"{transport}+socket://{credentials}{path}?{query}"
        return f"{transport}://{credentials}{self._bracketed_host}:{self.port}/{self.db}"

    def broker_ssl(self) -> dict[str, Any] | Literal[False]:
        """Return Celery's ``broker_use_ssl``: kombu alone would not check the certificate."""
        if not self.tls:
            return False
        return {"ssl_cert_reqs": "required", **self._tls_arguments()}

    @property
    def _bracketed_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def _tls_arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = dict(self.tls_options)
        if "ssl_check_hostname" in found:
            found["ssl_check_hostname"] = found["ssl_check_hostname"] == "true"
        return found


_SERVER = re.compile(
    r"(?P<host>[\w.-]*|\[[0-9A-Fa-f:.]+(%\w+)?\])(:(?P<port>\d{1,5})?)?(/(?P<db>[^/?#@]*)/?)?"
)


def parse_redis_url(url: str) -> RedisAddress:
    """Read a URL, also one whose password is not percent-encoded where it has one reading only.

    Raises:
        ValueError: it cannot be read, or in two ways; says what to do and quotes nothing of it.
    """
    scheme, rest = _split_scheme(url)
    on_socket = scheme == "unix"
    try:
        credentials, (place, options) = split_credentials(
            rest, lambda text: _split_options(text, on_socket=on_socket)
        )
    except ValueError:
        refuse_unknown_parameters(rest, _OPTIONS)
        raise
    options = _checked_options(options, scheme)
    username, password = _user(credentials, options)
    address = _on_socket(place, options) if on_socket else _on_network(place, options)
    return replace(
        address,
        username=username,
        password=password,
        tls=scheme == "rediss",
        tls_options=tuple((name, value) for name, value in options.items() if "ssl_" in name),
    )


def _split_scheme(url: str) -> tuple[str, str]:
    """Return the scheme, in lower case, and what stands behind ``://``."""
    scheme, mark, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if mark and "sentinel" in scheme:
        raise ValueError(f"Redis Sentinel is not supported, name the server itself: {_FORMS}")
    if not mark or scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"this is no URL of a Redis server: {_FORMS}")
    return scheme, rest


def _split_options(text: str, *, on_socket: bool) -> tuple[str, dict[str, str]] | None:
    """Return a place (host or path) and its options, None where the text can be neither."""
    place, mark, query = text.rpartition("?") if on_socket else text.partition("?")
    options = dict(parameters(query)) if mark else {}
    if not options.keys() <= _OPTIONS.keys():
        if not on_socket:
            return None
        mark, options = "", {}  # that ? is of the path
    if not mark:
        place = text
    likely = place.startswith("/") if on_socket else _SERVER.fullmatch(place)
    return (place, options) if likely else None


def _checked_options(options: dict[str, str], scheme: str) -> dict[str, str]:
    """Return the options with words such as ``REQUIRED`` in lower case; refuse what is not one."""
    checked = {}
    for name, value in options.items():
        allowed = _OPTIONS[name]
        checked[name] = value.lower() if allowed else value
        if allowed and checked[name] not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}")
        if name.startswith("ssl_") and scheme != "rediss":
            raise ValueError(f"{name} belongs to rediss://, an encrypted connection")
    return checked


def _user(credentials: str, options: dict[str, str]) -> tuple[str, str]:
    """Return user and password: those before the ``@``, else those among the options."""
    username, colon, password = credentials.partition(":")
    if credentials and not colon:
        raise ValueError(
            "it has one word before the @: write redis://:password@host, or user:password"
        )
    return (
        decoded(username, _RESERVED) or options.get("username", ""),
        decoded(password, _RESERVED) or options.get("password", ""),
    )


def _on_socket(path: str, options: dict[str, str]) -> RedisAddress:
    return RedisAddress(socket=Path(decoded(path, "[?#]")), db=_database(options.get("db", "0")))


def _on_network(place: str, options: dict[str, str]) -> RedisAddress:
    found = _SERVER.fullmatch(place)
    assert found is not None  # _split_options saw to it
    port = int(found["port"] or _PORT)
    if not 0 < port < 2**16:
        raise ValueError(f"its port {port} is none: {_FORMS}")
    db = _database(found["db"] or options.get("db", "0"))
    if _database(options.get("db", str(db))) != db:
        raise ValueError("it names two databases: name one, as redis://host:6379/0")
    return RedisAddress(host=found["host"].strip("[]") or "localhost", port=port, db=db)


def _database(number: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", number):
        raise ValueError("its database must be a number, as 0 in redis://host:6379/0")
    return int(number)
