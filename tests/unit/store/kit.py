"""A store with rows in it, for tests of what only SQLite does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from hashlib import sha256

from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.event.values import position_of
from evidentia.log.values import Compression, Fingerprint, LogSource
from evidentia.pack.contract import NamedQuery, Pack
from evidentia.store.opening import Store
from evidentia.store.values import (
    BatchWrite,
    DeadLetterRow,
    Filler,
    FillerKind,
    Gap,
    NewSegment,
    Segment,
    SqlValue,
)
from evidentia.store.writer import StoreWriter

NOW_US = 1_700_000_000_000_000
SPAN = (0, 2**40)
PACK = Pack(
    name="demo",
    version=1,
    title="a pack for these tests",
    fields=FieldMap(
        kind=("kind",),
        promoted=(
            PromotedColumn(name="role", type=ColumnType.TEXT, sources=("role",), is_indexed=True),
        ),
    ),
)


def writing(store: Store, *packs: Pack) -> AbstractContextManager[StoreWriter]:
    """A writer at a fixed time, for the demo pack or for the packs named."""
    return store.writer(packs or (PACK,), command="ingest", clock=lambda: NOW_US, version="0.0")


def new_segment(writer: StoreWriter, path: str = "/logs/a.jsonl") -> Segment:
    """A new segment of a log at a path."""
    log_id = writer.log_id(LogSource(pattern=path, pack="demo"))
    return writer.add_segment(
        NewSegment(log_id=log_id, path=path, compression=Compression.NONE, device=1, inode=2)
    )


def rows(segment_id: int, first: int, count: int, *, size: int = 100) -> list[tuple[SqlValue, ...]]:
    """Events of kind 1 on successive lines of ``size`` bytes."""
    made: list[tuple[SqlValue, ...]] = []
    for line in range(first, first + count):
        raw = (b'{"n":%d}' % line).ljust(size - 1)
        position = position_of(segment_id, (line - 1) * size)
        text = f"t{line}"
        made.append(
            (
                position,
                line,
                1,
                raw,
                sha256(raw).digest(),
                0,
                f"e{line}",
                line,
                text,
                "a",
                "s",
                "{}",
            )
        )
    return made


def batch_of(segment_id: int, first: int, count: int, *, size: int = 100) -> BatchWrite:
    """A batch of ``count`` events, then a dead letter, a filler and a gap."""
    end = first + count
    place = position_of(segment_id, (end - 1) * size)
    letter = DeadLetterRow(
        position=place,
        line_no=end,
        reason="syntax",
        column_no=1,
        detail="no object",
        raw=b"x" * (size - 1),
        length=size,
        sha256=bytes(32),
        has_newline=True,
    )
    blank = Filler(position=place + size, kind=FillerKind.BLANK, length=size, raw=b"\n" * size)
    hole = Gap(segment_id=segment_id, byte_offset=end * size, kind="k", detail="d", evidence="{}")
    return BatchWrite(
        segment_id=segment_id,
        byte_start=(first - 1) * size,
        byte_end=(end + 1) * size,
        first_line=first,
        next_line=end + 2,
        digest=bytes(32),
        fingerprint=Fingerprint(head_bytes=1, head_hash=b"h", anchor_bytes=1, anchor_hash=b"a"),
        events=rows(segment_id, first, count, size=size),
        dead_letters=[letter],
        fillers=[blank],
        gaps=[hole],
    )


def fill(writer: StoreWriter, count: int = 3) -> Segment:
    """A segment with one batch of ``count`` events."""
    segment = new_segment(writer)
    writer.kind_ids(["login"])
    writer.commit_batch(batch_of(segment.id, 1, count))
    return segment


def query(sql: str) -> NamedQuery:
    """A named query; its columns do not matter to a store."""
    return NamedQuery(name="q", title="q", description="q", parameters=(), columns=(), sql=sql)
