"""The engines under test, and a scene with a store, a clock and writes to make.

An engine joins by one entry in ``ENGINES``: every promise of this folder then holds for it too. The
tests use only the store's public values; what they cannot say with those (forbidden statements, a
look at every row) goes through the engine's small adapter.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import blake3

from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.event.values import position_of
from evidentia.log.values import Compression, Fingerprint, LogSource
from evidentia.pack.contract import NamedQuery, Pack
from evidentia.store import opening
from evidentia.store.opening import Store
from evidentia.store.reader import StoreReader
from evidentia.store.values import (
    BatchWrite,
    DeadLetterRow,
    EventRow,
    Filler,
    FillerKind,
    Gap,
    NewSegment,
    Owner,
    SchemaFinding,
    Segment,
    SqlValue,
)
from evidentia.store.writer import StoreWriter

LINE = 100
"""Bytes of every line in these tests, its newline included."""
SPAN = (0, 2**40)
"""Every byte offset of a segment."""
Dump = dict[str, list[tuple[object, ...]]]


class Adapter(Protocol):
    """What the tests need of an engine beyond the store's public interface."""

    refusal: type[Exception]
    """What the engine raises for a statement that the store forbids."""

    def store(self, folder: Path) -> Store:
        """An absent store, to be made by its first writer."""

    def execute_raw(self, sql: str) -> None:
        """Run and commit one statement on a fresh connection that is not the store's."""

    def dump(self) -> Dump:
        """Every row of every table, in order of primary key."""

    def guards(self) -> set[str]:
        """The names of the triggers that are in place."""

    def nullable_keys(self) -> list[str]:
        """Columns of a primary or unique key that may be NULL, as ``table.column``."""


class SqliteAdapter:
    """SQLite in a file."""

    refusal = sqlite3.Error

    def __init__(self) -> None:
        self._path = Path()

    def store(self, folder: Path) -> Store:
        """A store in a file of its own."""
        self._path = folder / "store" / "evidentia.db"
        return Store(path=self._path)

    def execute_raw(self, sql: str) -> None:
        """Run and commit one statement, as any program with the file's path could."""
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute(sql)

    def dump(self) -> Dump:
        """Every row of every table."""
        with closing(sqlite3.connect(self._path)) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()  # noqa: S608 - names come from the catalog
                for (name,) in names.fetchall()
            }

    def guards(self) -> set[str]:
        """The names of the triggers."""
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            return {name for (name,) in rows}

    def nullable_keys(self) -> list[str]:
        """Key columns without NOT NULL."""
        found = []
        with closing(sqlite3.connect(self._path)) as connection:
            for name in self.dump():
                columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
                keys = {column[1] for column in columns if column[5]}
                for index in connection.execute(f"PRAGMA index_list({name})").fetchall():
                    if index[2]:
                        parts = connection.execute(f"PRAGMA index_info({index[1]})").fetchall()
                        keys |= {part[2] for part in parts}
                found += [f"{name}.{c[1]}" for c in columns if c[1] in keys and not c[3]]
        return found


ENGINES: dict[str, Callable[[], Adapter]] = {"sqlite": SqliteAdapter}


@dataclass
class Clock:
    """A time that moves when told, in UTC microseconds."""

    now_us: int = 1_700_000_000_000_000

    def __call__(self) -> int:
        """The time."""
        return self.now_us

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += round(seconds * 1_000_000)


PACK = Pack(
    name="demo",
    version=1,
    title="a pack for these tests",
    fields=FieldMap(
        kind=("kind",),
        promoted=(
            PromotedColumn(name="role", type=ColumnType.TEXT, sources=("role",), is_indexed=True),
            PromotedColumn(name="port", type=ColumnType.INTEGER, sources=("port",)),
        ),
    ),
)
FINGERPRINT = Fingerprint(head_bytes=3, head_hash=b"head", anchor_bytes=5, anchor_hash=b"anchor")


def event(
    segment: Segment,
    line: int,
    kind_id: int,
    *,
    promoted: tuple[SqlValue, ...] = (),
    **columns: SqlValue,
) -> tuple[SqlValue, ...]:
    """A driver-ready event on the line with this 1-based number."""
    raw = b'{"n":%d}' % line + b" " * (LINE - 1 - len(b'{"n":%d}' % line))
    values: dict[str, SqlValue] = {
        "id": position_of(segment.id, (line - 1) * LINE),
        "line_no": line,
        "kind_id": kind_id,
        "raw": raw,
        "sha256": sha256(raw).digest(),
        "flags": 0,
        "event_id": f"e{line}",
        "ts": 1_600_000_000_000_000 + line * 1_000_000,
        "ts_text": "as written",
        "actor": "somebody",
        "session_id": f"s{line // 3}",
        "payload_json": "{}",
    }
    return (*(values | columns).values(), *promoted)


def dead_letter(segment: Segment, line: int, **changes: object) -> DeadLetterRow:
    """A dead letter on the line with this 1-based number."""
    raw = b"no event".ljust(LINE - 1)
    row = DeadLetterRow(
        position=position_of(segment.id, (line - 1) * LINE),
        line_no=line,
        reason="syntax",
        column_no=1,
        detail="expected an object",
        raw=raw,
        length=LINE,
        sha256=sha256(raw).digest(),
        has_newline=True,
    )
    return dataclasses.replace(row, **changes)


def filler(segment: Segment, line: int, kind: FillerKind = FillerKind.BLANK) -> Filler:
    """A line's length of bytes that are neither event nor dead letter."""
    raw = None if kind is FillerKind.NUL else b"\n" * LINE
    return Filler(
        position=position_of(segment.id, (line - 1) * LINE), kind=kind, length=LINE, raw=raw
    )


def finding(segment: Segment, line: int) -> SchemaFinding:
    """What a schema says of the event on a line."""
    position = position_of(segment.id, (line - 1) * LINE)
    return SchemaFinding(position=position, schema="demo-1", message="port is missing")


def gap(segment: Segment, byte_offset: int = 0, **changes: object) -> Gap:
    """A suspected loss."""
    found = Gap(
        segment_id=segment.id,
        byte_offset=byte_offset,
        kind="truncated_archive",
        detail="the file ends early",
        evidence='{"seen":1}',
    )
    return dataclasses.replace(found, **changes)


def query(sql: str) -> NamedQuery:
    """A named query; its columns do not matter to a store."""
    return NamedQuery(name="q", title="q", description="q", parameters=(), columns=(), sql=sql)


def lines(segment: Segment, first: int, last: int, **parts: object) -> BatchWrite:
    """A batch over whole lines, with what stands on them."""
    write = BatchWrite(
        segment_id=segment.id,
        byte_start=(first - 1) * LINE,
        byte_end=last * LINE,
        first_line=first,
        next_line=last + 1,
        digest=blake3.blake3(b"%d-%d" % (first, last)).digest(),
        fingerprint=FINGERPRINT,
    )
    return dataclasses.replace(write, **parts)


@dataclass
class Scene:
    """A store, its clock, and the owner that the next writer will be."""

    store: Store
    adapter: Adapter
    clock: Clock
    stack: ExitStack
    owner: Owner = field(default_factory=lambda: opening.this_process("ingest"))

    def writer(self, *packs: Pack) -> AbstractContextManager[StoreWriter]:
        """A writer for the demo pack, or for the packs named."""
        return self.store.writer(
            packs or (PACK,), command=self.owner.command, clock=self.clock, version="0.0"
        )

    def abandoned_writer(self) -> StoreWriter:
        """A writer that holds the lease and does not give it back before the test ends."""
        return self.stack.enter_context(self.writer())

    @contextmanager
    def store_with_reader(self) -> Iterator[StoreReader]:
        """A reader of an empty store."""
        self.store.create()
        with self.store.reader() as reader:
            yield reader

    def segment(self, writer: StoreWriter, path: str = "/logs/a.jsonl") -> Segment:
        """A new segment of a log at a path."""
        log_id = writer.log_id(LogSource(pattern=path, pack="demo"))
        return writer.add_segment(
            NewSegment(log_id=log_id, path=path, compression=Compression.NONE, device=1, inode=2)
        )

    def last_segment(self, writer: StoreWriter) -> Segment:
        """A segment with the largest id there can be, and nothing read yet."""
        segment = dataclasses.replace(self.segment(writer), id=8_388_607)
        writer.commit_batch(lines(self.segment(writer), 1, 1))
        self.adapter.execute_raw(
            "INSERT INTO segments (id, log_id, path, compression, device, inode, first_path,"
            " head_bytes, head_hash, anchor_bytes, anchor_hash, checkpoint, next_line, state,"
            " tail_bytes, last_size, last_mtime_us, created_us)"
            " SELECT 8388607, log_id, path, compression, device, inode, first_path,"
            " 0, head_hash, 0, anchor_hash, 0, 1, state, 0, 0, 0, created_us FROM segments"
        )
        return segment

    def fill(self, writer: StoreWriter, count: int = 3) -> Segment:
        """A segment with one batch: ``count`` events, then a dead letter, a filler and a gap."""
        segment = self.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        writer.commit_batch(
            lines(
                segment,
                1,
                count + 2,
                events=[event(segment, line, kind) for line in range(1, count + 1)],
                dead_letters=[dead_letter(segment, count + 1)],
                fillers=[filler(segment, count + 2)],
                findings=[finding(segment, 1)],
                gaps=[gap(segment)],
            )
        )
        return self.current(segment)

    def current(self, segment: Segment) -> Segment:
        """The segment as it stands now."""
        with self.store.reader() as reader:
            return next(each for each in reader.segments() if each.id == segment.id)

    def events(self, segment: Segment, promoted: tuple[str, ...] = ()) -> list[EventRow]:
        """Every stored event of a segment."""
        with self.store.reader() as reader:
            return list(reader.events(segment.id, SPAN, promoted))
