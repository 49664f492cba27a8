"""What one look at a list of logs leads to, and in which order new files are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from evidentia.errors import LogError, PackError
from evidentia.event.extract import Extractor
from evidentia.event.line import read_line
from evidentia.ingest.held import Held
from evidentia.ingest.parse import ParseSettings
from evidentia.ingest.plan import Inode, Memory, inode_of, inspected
from evidentia.log.compression import open_stream
from evidentia.log.discovery import Discovery, look_at
from evidentia.log.names import path_of, stored_path
from evidentia.log.sniff import SNIFF_BYTES
from evidentia.log.values import Limits, LogFile, LogSource
from evidentia.store.values import Segment

_NEVER: Final = 2**63
"""Later than any event; for files whose first event has no time."""
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The files of one look: those of the list, and those that known segments were last seen in.

    Attributes:
        held: Files that no name leads to any more, through descriptors held open.
        idle_seconds: How long each of those has not grown.
        unknown: Segments whose place cannot be looked at now, by id: nothing is decided on them.
    """

    files: tuple[LogFile, ...]
    held: tuple[LogFile, ...]
    idle_seconds: Mapping[Inode, float]
    segments: tuple[Segment, ...]
    in_scope: frozenset[int]
    unknown: frozenset[int]

    @classmethod
    def of(cls, discovery: Discovery, segments: tuple[Segment, ...], held: Held | None) -> Sight:
        """What the list leads to, and where segments of its entries were last seen."""
        sources = {each.pattern: each for each in discovery.sources}
        known = {inode_of(file) for file in discovery.files}
        paths = {stored_path(file.path) for file in discovery.files}
        files = list(discovery.files)
        unknown = set()
        scope = [each for each in segments if each.source in sources]
        for segment in scope:
            if segment.has_no_file or segment.path in paths:
                continue
            try:
                file = _last_seen(segment, sources[segment.source])
            except (LogError, OSError):
                unknown.add(segment.id)
                continue
            if file is not None and inode_of(file) not in known:
                known.add(inode_of(file))
                files.append(file)
        nameless = held.out_of_sight(known) if held is not None else ()
        return cls(
            files=tuple(files),
            held=nameless,
            idle_seconds=held.idle_seconds(nameless) if held is not None else {},
            segments=segments,
            in_scope=frozenset(each.id for each in scope),
            unknown=frozenset(unknown),
        )


def _last_seen(segment: Segment, source: LogSource) -> LogFile | None:
    """The file at a segment's last place.

    Raises:
        LogError: It cannot be looked at.
        OSError: Its folder is not there, as when a disk is not mounted.
    """
    path = path_of(segment.path)
    file = look_at(path, source)
    if file is None:
        path.parent.stat()
    return file


def by_first_event(
    files: Sequence[LogFile],
    settings: Mapping[tuple[str, bool], ParseSettings],
    limits: Limits,
    memory: Memory,
) -> list[LogFile]:
    """Files in the order of their first events; those without a time after them, as named.

    Of files with the same first line the longest comes first, and of those the one with the
    shortest name, which is the live one: so a copy finds the lines of its original stored.
    """
    if len(files) == 1:
        return list(files)
    lines = {file: _first_line_of(file, limits) for file in files}
    places: dict[bytes, int] = {}
    for place, file in enumerate(files):
        places.setdefault(lines[file], place)

    def key(file: LogFile) -> tuple[int, int, int, int]:
        reading = settings[file.source.pack, file.source.is_lenient]
        line = lines[file]
        size = _stream_bytes(file, limits, memory)
        return _time_of(line, reading), places[line], -size, len(file.path.name)

    return sorted(files, key=key)


def _first_line_of(file: LogFile, limits: Limits) -> bytes:
    # Only an order is at stake: a file that cannot be read says so when its turn comes.
    with suppress(LogError):
        with open_stream(file.place, limits=limits) as stream:
            line = stream.salvage(SNIFF_BYTES).partition(b"\n")[0]
        return line.removeprefix(_BOM).lstrip(b"\0")
    return b""


def _time_of(line: bytes, settings: ParseSettings) -> int:
    with suppress(PackError):
        outcome = read_line(line, settings.policy)
        if isinstance(outcome, tuple):
            columns, _flags = Extractor(settings.fields).extract(*outcome)
            return columns[1] if isinstance(columns[1], int) else _NEVER
    return _NEVER


def _stream_bytes(file: LogFile, limits: Limits, memory: Memory) -> int:
    with suppress(LogError):
        return inspected(file, limits, memory).decompressed_bytes
    return 0
