"""UTF-8: its form alone is evidence, for bytes of another encoding rarely have it by chance."""

import codecs
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
# Beyond ASCII: fewer bytes may be another encoding by chance.
_SHORT_BYTES = 64


def beyond_ascii(stream: BinaryIO) -> bytes | None:
    """Return the first bytes beyond ASCII of a UTF-8 file; None if the file is no UTF-8."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond = b""
    while chunk := stream.read(_CHUNK_BYTES):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            return None
        if len(beyond) <= _SHORT_BYTES and not chunk.isascii():
            beyond += bytes(byte for byte in chunk if byte >= 0x80)[: 2 * _SHORT_BYTES]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return beyond


def is_sure(beyond: bytes | None) -> bool:
    """Say whether a file is UTF-8, with so many bytes beyond ASCII that it is no chance."""
    return beyond is not None and len(beyond) > _SHORT_BYTES
