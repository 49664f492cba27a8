"""Every log as the stream of its decompressed bytes, whatever it is compressed with.

The compression is told by a file's first bytes, never by its name.
"""

from __future__ import annotations

from typing import Final

from evidentia.log.archive import ArchiveStream
from evidentia.log.members import BEGINNINGS
from evidentia.log.opening import ByteStream, open_log
from evidentia.log.values import (
    ArchiveCondition,
    ArchiveState,
    Compression,
    Limits,
    LogPlace,
)

MAGIC_BYTES: Final = 6
"""How many first bytes tell the compression."""
DEFAULT_LIMITS: Final = Limits()


def tell_compression(first_bytes: bytes) -> Compression:
    """The compression a file's first bytes announce."""
    for compression, beginnings in BEGINNINGS.items():
        if first_bytes.startswith(beginnings):
            return compression
    return Compression.NONE


def open_stream(place: LogPlace, *, limits: Limits = DEFAULT_LIMITS) -> ByteStream:
    """The log's decompressed bytes from its beginning; a context manager that closes the file.

    Raises:
        LogMissingError: Nothing is there.
        LogChangedError: Another file is there.
        LogUnreadableError: Not a regular file, or not permitted.
    """
    raw = open_log(place.path, identity=place.identity, held=place.held)
    if place.compression is Compression.NONE:
        return raw
    return ArchiveStream(raw, place.compression, limits)


def inspect_archive(place: LogPlace, limits: Limits = DEFAULT_LIMITS) -> ArchiveState:
    """What the whole archive is like, after reading it once and keeping none of it.

    Raises:
        LogCorruptError: It expands beyond the limits; ``fix`` names the one to raise.
        LogMissingError: Nothing is there.
        LogUnreadableError: It cannot be read.
    """
    with open_log(place.path, identity=place.identity, held=place.held) as raw:
        if place.compression is Compression.NONE:
            return ArchiveState(condition=ArchiveCondition.CLEAN, decompressed_bytes=raw.size())
        return ArchiveStream(raw, place.compression, limits).read_through()
