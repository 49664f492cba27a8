"""A stretch of bytes too long to hold: hashed while it streams by."""

from __future__ import annotations

import hashlib

from blake3 import blake3

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.values import ANCHOR_BYTES, HEAD_BYTES, Stretch, StretchKind

_NEWLINE = b"\n"


class StretchHasher:
    """Takes the bytes of one stretch, keeps its hashes, length and both ends."""

    __slots__ = ("_blake3", "_first", "_last", "_sha256", "kind", "length")

    def __init__(self, kind: StretchKind) -> None:
        self.kind = kind
        self._sha256 = hashlib.sha256()
        self._blake3 = blake3()
        self._first = b""
        self._last = b""
        self.length = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the stretch, none of them its newline."""
        self._sha256.update(data)
        self._take(data)

    def finish(self, *, start: ByteOffset, line: LineNumber, has_newline: bool) -> Stretch:
        """The stretch, with its newline where it has one."""
        if has_newline:
            self._take(_NEWLINE)
        return Stretch(
            kind=self.kind,
            start=start,
            line=line,
            length=self.length,
            sha256=self._sha256.digest(),
            blake3=self._blake3.digest(),
            has_newline=has_newline,
            first_bytes=self._first,
            last_bytes=self._last,
        )

    def _take(self, data: bytes | memoryview) -> None:
        self._blake3.update(data)
        self.length += len(data)
        if len(self._first) < HEAD_BYTES:
            self._first += data[: HEAD_BYTES - len(self._first)]
        self._last = (self._last + data[-ANCHOR_BYTES:])[-ANCHOR_BYTES:]
