"""A small pack, lines for it, and a folder to ingest them in: shared by the tests of many rooms."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from evidentia.app import Config, Workspace
from evidentia.audit.content import ContentDigest
from evidentia.audit.values import VerifyReport
from evidentia.audit.verify import VerifyOptions
from evidentia.event.fieldmap import AllExcept, ColumnType, FieldMap, PromotedColumn
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.ingest.parse import LineParser, ParsedBlock, ParseSettings
from evidentia.ingest.values import IngestOptions, IngestReport, Watch
from evidentia.log.values import Block, LogSource
from evidentia.pack.contract import EventSchema, Pack
from evidentia.store.opening import Store

PLAIN: Final = Pack(
    name="plain",
    version=1,
    title="a pack for tests",
    fields=FieldMap(
        kind=("kind",),
        event_id=("id",),
        ts=("ts",),
        actor=("who",),
        session_id=("session",),
        payload=AllExcept(keys=frozenset({"kind", "ts"})),
        promoted=(PromotedColumn(name="level", type=ColumnType.INTEGER, sources=("level",)),),
    ),
    schema=EventSchema(
        name="plain.event",
        version=1,
        document={"type": "object", "properties": {"level": {"type": "integer", "maximum": 9}}},
    ),
    known_kinds=frozenset({"good"}),
)
OTHER: Final = Pack(
    name="other",
    version=1,
    title="another pack for tests",
    fields=FieldMap(
        kind=("kind",),
        promoted=(PromotedColumn(name="shade", type=ColumnType.TEXT, sources=("shade",)),),
    ),
)
PACKS: Final[Mapping[str, Pack]] = {"other": OTHER, "plain": PLAIN}

BAD_LINES: Final = (
    b"[1]",
    b"null",
    b'{"a":1',
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b'{"a":"\xff"}',
    b'{"a":"\x01"}',
    b'{"a":"\\ud800"}',
    b'\xef\xbb\xbf{"a":1}',
    b"not json",
)
"""Lines that are not events, each for a reason of its own."""


def good(number: int, **members: object) -> bytes:
    """An event's line with its newline."""
    event = {
        "kind": "good",
        "id": f"e{number}",
        "ts": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "who": f"actor {number % 3}",
        "session": f"s{number % 5}",
        "level": number % 8,
        "n": number,
        **members,
    }
    return json.dumps(event).encode() + b"\n"


def goods(count: int, first: int = 0) -> bytes:
    """So many events' lines."""
    return b"".join(good(number) for number in range(first, first + count))


def block(
    data: bytes, start: int = 0, first_line: int = 1, *, is_final: bool | None = None
) -> Block:
    """A block of bytes; final where its last byte is no newline."""
    return Block(
        start=ByteOffset(start),
        first_line=LineNumber(first_line),
        data=data,
        is_final=not data.endswith(b"\n") if is_final is None else is_final,
    )


def parser(pack: Pack = PLAIN, *, is_lenient: bool = False) -> LineParser:
    """The parser of a pack's logs."""
    return LineParser(ParseSettings.of(pack, is_lenient=is_lenient))


def spans(data: bytes, parsed: ParsedBlock) -> list[tuple[int, int]]:
    """The bytes that each event, dead letter and filler of a block takes up, in order."""
    newline = {place for place, byte in enumerate(data) if byte == ord(b"\n")}
    events = [(event[0], event[1] + (event[1] in newline)) for event in parsed.events]
    letters = [(each.start, each.end + each.has_newline) for each in parsed.dead_letters]
    return sorted(events + letters + [(each.start, each.end) for each in parsed.fillers])


def is_tiled(found: Sequence[tuple[int, int]], end: int, start: int = 0) -> bool:
    """Whether the ranges lie side by side from ``start`` to ``end``."""
    for begin, stop in found:
        if begin != start or stop <= begin:
            return False
        start = stop
    return start == end


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder with logs and a store."""

    folder: Path
    name: str = "s.db"
    packs: Mapping[str, Pack] = field(default_factory=lambda: PACKS)
    options: IngestOptions = field(default_factory=lambda: IngestOptions(jobs=0))

    @property
    def store(self) -> Store:
        """The store."""
        return Store(path=self.folder / self.name)

    @property
    def workspace(self) -> Workspace:
        """The workspace over the store."""
        return Workspace(config=Config(store=self.store, options=self.options), packs=self.packs)

    def write(self, name: str, data: bytes) -> Path:
        """A file with these bytes."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def append(self, name: str, data: bytes) -> None:
        """Let a file grow."""
        with (self.folder / name).open("ab") as file:
            file.write(data)

    def ingest(
        self,
        *patterns: str,
        pack: str = "plain",
        is_lenient: bool = False,
        options: IngestOptions | None = None,
        watch: Watch | None = None,
        is_dry_run: bool = False,
    ) -> IngestReport:
        """One pass over files of the folder."""
        sources = [
            LogSource(pattern=str(self.folder / pattern), pack=pack, is_lenient=is_lenient)
            for pattern in patterns
        ]
        return self.workspace.ingest(
            sources,
            watch or Watch(clock=lambda: 0.0),
            options or self.options,
            is_dry_run=is_dry_run,
        )

    def verify(self, *, is_deep: bool = True) -> VerifyReport:
        """Compare the store with its logs."""
        return self.workspace.verify(VerifyOptions(is_deep=is_deep, limits=self.options.limits))

    def digest(self) -> str:
        """The content digest."""
        with self.store.reader() as reader:
            return ContentDigest(reader).hexdigest()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database itself answers, past everything of ours."""
        connection = sqlite3.connect(self.store.path)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def raws(self) -> list[bytes]:
        """The lines of all events, in order of position."""
        return [bytes(row[0]) for row in self.rows("SELECT raw FROM event_rows ORDER BY id")]

    def dump(self, *without: str) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, but for the tables named."""
        names = self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return {
            str(name): self.rows(f"SELECT * FROM {name} ORDER BY 1")  # noqa: S608 - a table of ours
            for (name,) in names
            if name not in without
        } | {"schema": self.rows("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")}

    def damage(self, *statements: str) -> None:
        """Change the database behind the program's back, triggers lifted."""
        connection = sqlite3.connect(self.store.path)
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _sql in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _name, sql in triggers:
            connection.execute(sql)
        connection.commit()
        connection.close()
