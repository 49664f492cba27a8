"""Whether a file that continues no segment holds only lines that are stored already.

The store has every line of every segment by its place, so this is exact: a copy is a file each of
whose complete lines stands at the same byte of one segment. It is looked at again when it grows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.ingest.plan import inode_of
from evidentia.ingest.values import BatchSink
from evidentia.log.compression import open_stream
from evidentia.log.identity import fingerprint, still_holds
from evidentia.log.names import stored_path
from evidentia.log.reader import read_pieces
from evidentia.log.values import (
    Block,
    Compression,
    Limits,
    LogFile,
    LogPlace,
    LogSource,
    Piece,
    Stretch,
    StretchKind,
)
from evidentia.store.evidence import StoredBytes, common_length
from evidentia.store.records import signed_64
from evidentia.store.sightings import Decision, DecisionKind, StaleCopy
from evidentia.store.values import Segment

_BOM: Final = b"\xef\xbb\xbf"
_LOOK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How far a file is like a segment.

    Attributes:
        same_bytes: Bytes of whole lines that stand at the same places of the segment.
        is_whole: Those are all its complete lines.
    """

    segment_id: int
    same_bytes: int
    is_whole: bool


class Copies:
    """Tells copies of stored lines from new segments; one for each pass."""

    def __init__(self, sink: BatchSink, segments: Iterable[Segment], limits: Limits) -> None:
        self._sink = sink
        # A first line is looked for more often than a whole file is compared.
        self._limits = replace(limits, block_bytes=min(limits.block_bytes, _LOOK_BYTES))
        self._segments = {each.id: each for each in segments if each.checkpoint}
        self._readings = {each.id: (each.pack, each.is_lenient) for each in self._segments.values()}
        self._by_first_line: dict[bytes, list[int]] | None = None
        self._known = {copy.path: copy for copy in sink.stale_copies()}

    def add(self, segment_id: int, source: LogSource) -> None:
        """Take notice of a segment that this pass has begun."""
        self._readings[segment_id] = (source.pack, source.is_lenient)
        if self._by_first_line is not None:
            self._index(segment_id)

    def known(self, file: LogFile) -> StaleCopy | None:
        """The copy that a file was when it was last looked at, whether or not it still is."""
        copy = self._known.get(stored_path(file.path))
        return copy if copy and (copy.device, copy.inode) == inode_of(file) else None

    def is_unchanged(self, file: LogFile, copy: StaleCopy) -> bool:
        """Whether a known copy is as it was when it was last looked at.

        Raises:
            LogError: The file cannot be read.
        """
        return copy.size == file.size and self._still_begins(file, copy)

    def _still_begins(self, file: LogFile, copy: StaleCopy) -> bool:
        end = ByteOffset(_marked_bytes(file, copy.same_bytes, copy.size))
        return still_holds(_as_it_lies(file), copy.fingerprint, end, limits=self._limits)

    def likeness(self, file: LogFile) -> Likeness | None:
        """The segment that a file is most like, or None when not even its first line is stored.

        Raises:
            LogError: The file cannot be read.
        """
        copy = self.known(file)
        is_grown = copy is not None and copy.same_bytes > 0
        if copy and is_grown and file.compression is Compression.NONE:
            # Only what was added since is compared, and nothing else while that is the same.
            like = self._compared(file, copy.segment_id, copy.same_bytes)
            if like.is_whole and self._still_begins(file, copy):
                return like
        first = self._first_line_of(file)
        if first is None:
            return self._beginning_of(file)
        found = [
            self._compared(file, segment_id, 0)
            for segment_id in self._with_first_line(first, file.source)
        ]
        return max(found, key=lambda each: (each.is_whole, each.same_bytes), default=None)

    def remember(self, file: LogFile, like: Likeness) -> None:
        """Spare the next pass this look, as long as the file stays as it is; record what it is.

        Raises:
            LogError: The file cannot be read.
        """
        end = ByteOffset(_marked_bytes(file, like.same_bytes, file.size))
        copy = StaleCopy(
            path=stored_path(file.path),
            segment_id=like.segment_id,
            device=signed_64(file.device),
            inode=signed_64(file.inode),
            size=file.size,
            same_bytes=like.same_bytes,
            fingerprint=fingerprint(_as_it_lies(file), end, limits=self._limits),
        )
        known = self.known(file)
        is_told = known is not None and known.segment_id == like.segment_id
        self._sink.remember_copy(copy, None if is_told else _decision(copy))
        self._known[copy.path] = copy

    def forget(self, file: LogFile) -> None:
        """The file is a copy no more."""
        path = stored_path(file.path)
        if self._known.pop(path, None):
            self._sink.forget_copy(path)

    def _with_first_line(self, first_line: bytes, source: LogSource) -> list[int]:
        """Segments that begin alike and are read alike; another pack makes other rows of a line."""
        if self._by_first_line is None:
            self._by_first_line = {}
            for segment_id in self._segments:
                self._index(segment_id)
        reading = (source.pack, source.is_lenient)
        found = self._by_first_line.get(first_line, ())
        return [each for each in found if self._readings[each] == reading]

    def _index(self, segment_id: int) -> None:
        first = self._sink.first_line_sha256(segment_id)
        if first is not None and self._by_first_line is not None:
            known = self._by_first_line.setdefault(first, [])
            if segment_id not in known:
                known.append(segment_id)

    def _pieces(self, file: LogFile, start: int = 0) -> Generator[Piece, None, None]:
        return read_pieces(
            file,
            start=ByteOffset(start),
            first_line=LineNumber(1),
            limits=self._limits,
            is_closed=False,
        )

    def _first_line_of(self, file: LogFile) -> bytes | None:
        """SHA-256 of the first complete line that is not blank."""
        with closing(self._pieces(file)) as pieces:
            for piece in pieces:
                if isinstance(piece, Stretch) and piece.kind is StretchKind.LONG_LINE:
                    return piece.sha256 if piece.has_newline else None
                for line in _filled_lines(piece):
                    return hashlib.sha256(line).digest()
        return None

    def _compared(self, file: LogFile, segment_id: int, start: int) -> Likeness:
        same = start
        with closing(self._pieces(file, start)) as pieces:
            for piece in pieces:
                if not isinstance(piece, Block | Stretch):
                    break
                count, is_same = self._same_bytes(piece, segment_id)
                same += count
                if not is_same:
                    return Likeness(segment_id=segment_id, same_bytes=same, is_whole=False)
        return Likeness(segment_id=segment_id, same_bytes=same, is_whole=True)

    def _same_bytes(self, piece: Block | Stretch, segment_id: int) -> tuple[int, bool]:
        """How many bytes of whole lines are stored at the piece's place, and whether all are."""
        if isinstance(piece, Stretch):
            stored = self._sink.stored_bytes(segment_id, (piece.start, piece.start + piece.length))
            is_same = _is_stretch(piece, stored)
            return (piece.length if is_same else 0), is_same
        end = piece.start + len(piece.data)
        stored = self._sink.stored_bytes(segment_id, (piece.start, end))
        held = b"".join(each.data or b"" for each in stored)
        if held == piece.data:
            return len(held), True
        length = common_length(held, piece.data)
        return piece.data.rfind(b"\n", 0, length) + 1, False

    def _beginning_of(self, file: LogFile) -> Likeness | None:
        """A segment beside the file that begins with all of its bytes, none of them a whole line.

        A copy in the making; it is looked at again when it grows.
        """
        folder = stored_path(file.path.parent) + "/"
        for segment in reversed(self._segments.values()):
            is_read_alike = self._readings[segment.id] == (file.source.pack, file.source.is_lenient)
            if (
                is_read_alike
                and segment.path.startswith(folder)
                and self._begins_with(segment, file)
            ):
                return Likeness(segment_id=segment.id, same_bytes=0, is_whole=True)
        return None

    def _begins_with(self, segment: Segment, file: LogFile) -> bool:
        if file.compression is not Compression.NONE or file.size > self._limits.line_bytes_max:
            return False
        with open_stream(file.place, limits=self._limits) as stream:
            data = stream.read(file.size)
        stored = self._sink.stored_bytes(segment.id, (0, 1))
        return bool(data) and bool(stored) and (stored[0].data or b"").startswith(data)


def _decision(copy: StaleCopy) -> Decision:
    return Decision(
        path=copy.path,
        segment_id=copy.segment_id,
        kind=DecisionKind.STALE_COPY,
        evidence=json.dumps({"same_bytes": copy.same_bytes}),
    )


def _as_it_lies(file: LogFile) -> LogPlace:
    """The bytes on disk, of an archive as well."""
    return replace(file.place, compression=Compression.NONE)


def _marked_bytes(file: LogFile, same_bytes: int, size: int) -> int:
    """How many bytes on disk a copy's fingerprint covers."""
    return same_bytes if file.compression is Compression.NONE else size


def _filled_lines(piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, Block):
        data = piece.data.removeprefix(_BOM) if piece.start == 0 else piece.data
        for line in data.split(b"\n")[: None if piece.is_final else -1]:
            text = line.lstrip(b"\0")
            if text.strip(b" \t\r"):
                yield text


def _is_stretch(piece: Stretch, stored: tuple[StoredBytes, ...]) -> bool:
    if piece.kind is StretchKind.NUL_RUN:
        return sum(each.length for each in stored) == piece.length and not any(
            each.data is None or each.data.strip(b"\0") for each in stored
        )
    return [(each.length, each.sha256) for each in stored] == [(piece.length, piece.sha256)]
