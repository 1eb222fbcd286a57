"""One Redis URL, read once: redis-py and kombu speak to the same server, database and user."""

import socket
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from kombu.exceptions import OperationalError

from core.broker import make_app, make_redis
from core.errors import SettingsError
from core.publisher import Publisher, unreachable
from core.redis_address import RedisAddress, parse_redis_url
from core.settings import Settings, load_settings

SPECIAL = "p@ss:w/o#r?d%1[x];&+ 密"
SECRET = "s3cret"


def of_redis_py(settings: Settings) -> dict[str, object]:
    return _named(make_redis(settings).connection_pool.connection_kwargs)


def of_kombu(settings: Settings) -> dict[str, object]:
    with make_app(settings).connection_for_write() as connection:
        channel = connection.transport.Channel.__new__(connection.transport.Channel)
        channel.connection = connection.transport  # without its constructor it does not connect
        return _named(channel._connparams())


def _named(options: dict[str, object]) -> dict[str, object]:
    names = ("host", "port", "path", "db", "username", "password", "ssl_cert_reqs", "ssl_ca_certs")
    return {name: options.get(name) for name in names}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", RedisAddress("h")),
        ("redis://h:6380/", RedisAddress("h", 6380)),
        ("redis:///3", RedisAddress(db=3)),
        ("redis://h:6379?db=3", RedisAddress("h", db=3)),
        ("redis://[::1]:6380/2", RedisAddress("::1", 6380, db=2)),
        ("redis://u:p@h/1", RedisAddress("h", db=1, username="u", password="p")),
        ("redis://:abc#def@h:6379/0", RedisAddress("h", password="abc#def")),
        ("redis://:a/b@h", RedisAddress("h", password="a/b")),
        ("redis://:a@b?x=1@h", RedisAddress("h", password="a@b?x=1")),
        (f"redis://u:{SPECIAL}@h", RedisAddress("h", username="u", password=SPECIAL)),
        (
            f"redis://u:{quote(SPECIAL, safe='')}@h",
            RedisAddress("h", username="u", password=SPECIAL),
        ),
        (
            "rediss://:p@h?ssl_cert_reqs=NONE&ssl_ca_certs=/a@b/ca.pem",
            RedisAddress(
                "h",
                password="p",
                tls=True,
                tls_options=(("ssl_cert_reqs", "none"), ("ssl_ca_certs", "/a@b/ca.pem")),
            ),
        ),
        ("rediss://h", RedisAddress("h", tls=True)),
        ("unix:///r.sock", RedisAddress(socket=Path("/r.sock"))),
        (
            "unix://user:pw@/run/r.sock?db=2",
            RedisAddress(socket=Path("/run/r.sock"), db=2, username="user", password="pw"),
        ),
        (
            "unix:///r.sock?db=2&password=pw",
            RedisAddress(socket=Path("/r.sock"), db=2, password="pw"),
        ),
        (
            "unix://u:p/w@/r.sock",
            RedisAddress(socket=Path("/r.sock"), username="u", password="p/w"),
        ),
        ("unix:///热线 #1/r.sock", RedisAddress(socket=Path("/热线 #1/r.sock"))),
        ("unix:///a?b/r.sock?db=1", RedisAddress(socket=Path("/a?b/r.sock"), db=1)),
        ("unix:///50%25off/r.sock", RedisAddress(socket=Path("/50%off/r.sock"))),
        ("unix:///a%23%3F/r.sock", RedisAddress(socket=Path("/a#?/r.sock"))),
    ],
)
def test_both_libraries_are_told_what_the_url_says(url: str, address: RedisAddress) -> None:
    settings = Settings(redis_url=url)

    assert parse_redis_url(url) == address
    assert of_kombu(settings) == of_redis_py(settings)
    used = of_redis_py(settings)
    assert (used["db"], used["username"] or "", used["password"] or "") == (
        address.db,
        address.username,
        address.password,
    )
    assert used["path" if address.socket else "host"] == str(address.socket or address.host)


@pytest.mark.parametrize("home", ["热线 #1", "a?b", "50%25off", "50%", "a;b", "x@y:z"])
def test_the_embedded_socket_of_any_home_is_the_same_to_both(tmp_path: Path, home: str) -> None:
    settings = Settings(home=tmp_path / home)

    assert of_kombu(settings) == of_redis_py(settings)
    assert of_redis_py(settings)["path"] == str(settings.embedded_socket)


@pytest.mark.parametrize("scheme", ["redis", "paidan"])
def test_an_encrypted_server_is_checked_by_kombu_too(scheme: str) -> None:
    address = parse_redis_url("rediss://h")

    assert address.broker_url(scheme) == f"{scheme}://h:6379/0"
    assert address.broker_ssl() == {"ssl_cert_reqs": "required"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sentinel://:s3cret@h:26379/m", "Sentinel is not supported"),
        (":s3cret@h:6379/0", "no URL of a Redis server"),
        ("user:s3cret://x@h", "no URL of a Redis server"),
        ("http://:s3cret@h", "no URL of a Redis server"),
        ("redis://s3cret@h", "redis://:password@host"),
        ("redis://:s3cret@h:6379/tickets", "its database must be a number"),
        ("redis://:s3cret@h?pool=4", "pool cannot be set in it"),
        ("redis://:s3cret@h/1?db=2", "it names two databases"),
        ("redis://:s3cret@h:70000", "its port 70000 is none"),
        ("redis://:s3cret%40x/y@h", "more than one way: percent-encode"),
        ("redis://:s3cret/@a?ssl_ca_certs=/p@h", "more than one way: percent-encode"),
        ("redis://:s3cret@h ost", "it cannot be read"),
        ("redis://:s3cret@h?ssl_cert_reqs=none", "belongs to rediss://"),
        ("rediss://:s3cret@h?ssl_cert_reqs=maybe", "ssl_cert_reqs must be one of"),
        ("unix://run/s3cret.sock", "it cannot be read"),
        ("redis://:s3cret%ff@h", "does not encode UTF-8"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_start_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    monkeypatch.setenv("PAIDAN_REDIS_URL", url)

    with pytest.raises(SettingsError) as refused:
        load_settings()

    said = str(refused.value)
    assert said.startswith("settings: PAIDAN_REDIS_URL: ")
    assert told in said
    assert "\n" not in said
    assert SECRET not in said + repr(refused.value.__cause__)


def test_no_password_is_shown() -> None:
    settings = Settings(
        redis_url=f"redis://u:{SECRET}@127.0.0.1:1/0", database_url=f"postgresql://u:{SECRET}@h/d"
    )

    with make_app(settings).connection_for_write() as connection:
        shown = [connection.as_uri(), repr(connection)]
        with pytest.raises(OperationalError) as kombus:
            connection.ensure_connection(max_retries=1, interval_start=0)
    with pytest.raises(redis.ConnectionError) as redis_pys:
        make_redis(settings).ping()
    shown += [repr(settings), str(settings), repr(settings.redis_address)]
    shown += [str(kombus.value), str(redis_pys.value), unreachable(settings, kombus.value)]

    assert [text for text in shown if SECRET in text] == []


@pytest.mark.parametrize("way", ["unix", "redis"])
def test_tickets_are_published_into_the_database_that_is_watched(way: str, redis_url: str) -> None:
    # Given a user with a special password, and a server on both ways
    server = make_redis(Settings(redis_url=redis_url))
    server.execute_command("ACL", "SETUSER", "special", "on", f">{SPECIAL}", "~*", "&*", "+@all")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server.config_set("port", port)
    place = redis_url.removeprefix("unix://") if way == "unix" else f"127.0.0.1:{port}"
    settings = Settings(redis_url=f"{way}://special:{SPECIAL}@{place}?db=2")

    publisher = Publisher(settings)
    publisher.publish({"live": [1], "bulk": [2]})

    assert (publisher.depth("live"), publisher.depth("bulk")) == (1, 1)
    assert server.info("keyspace").keys() == {"db2"}
    publisher.close()
