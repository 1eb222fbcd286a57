"""The client of the stream: bytes, over connections of its own."""

from core.publisher import Publisher
from core.settings import Settings
from producer.stream.client import bytes_client


def test_bytes_come_as_they_were_sent_and_the_other_client_stays_as_it_is(redis_url: str) -> None:
    texts = Publisher(Settings(redis_url=redis_url)).redis

    client = bytes_client(texts)
    client.set("key", b"\xff\xfe")
    texts.set("other", "\u6f0f\u6c34")

    assert client.get("key") == b"\xff\xfe"
    assert (client.get("other"), texts.get("other")) == ("\u6f0f\u6c34".encode(), "\u6f0f\u6c34")


def test_closing_the_client_leaves_the_other_one_connected(redis_url: str) -> None:
    texts = Publisher(Settings(redis_url=redis_url)).redis
    client = bytes_client(texts)
    assert client.ping()

    client.close()

    assert texts.ping()
    assert client.connection_pool is not texts.connection_pool
