"""Parsed blocks become batches that tile the segment, each no larger than it may be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from evidentia.errors import LogUnreadableError
from evidentia.event.values import (
    SEGMENT_BYTES_MAX,
    SEGMENT_ID_MAX,
    ByteOffset,
    LineNumber,
    position_of,
)
from evidentia.ingest.collect import Collector, merged
from evidentia.ingest.values import IngestOptions
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.values import Block, Break, Limits, Stretch, StretchKind
from evidentia.store.values import (
    BatchWrite,
    Filler,
    FillerKind,
    Gap,
    Segment,
    SegmentState,
)

from .kit import block, good, goods, is_tiled, parser
from .sink import KeepingSink, a_segment

PARSER = parser()
GAP = Gap(segment_id=1, byte_offset=0, kind="corrupt_archive", detail="x", evidence="{}")


def collector(
    sink: KeepingSink, options: IngestOptions, segment: Segment | None = None
) -> Collector:
    """A collector for a segment with nothing read yet."""
    return Collector(sink, segment or a_segment(), PARSER.promoted, options, FingerprintBuilder())


def blocks(*parts: bytes) -> list[Block]:
    """Blocks that follow each other."""
    found, start, line = [], 0, 1
    for data in parts:
        found.append(block(data, start, line))
        start, line = start + len(data), line + data.count(b"\n")
    return found


def collect(
    parts: Sequence[bytes], options: IngestOptions, seconds: Sequence[float] | None = None
) -> list[BatchWrite]:
    """The batches that blocks give, one block at each of the given seconds."""
    sink = KeepingSink()
    collecting = collector(sink, options)
    for number, each in enumerate(blocks(*parts)):
        collecting.add_block(each, PARSER.parse(each), seconds[number] if seconds else 0.0)
    collecting.commit()
    return sink.writes


def stretch(kind: StretchKind, data: bytes, start: int = 0, line: int = 1) -> Stretch:
    """Bytes that were hashed as they streamed by."""
    return Stretch(
        kind=kind,
        start=ByteOffset(start),
        line=LineNumber(line),
        length=len(data),
        sha256=hashlib.sha256(data.removesuffix(b"\n")).digest(),
        blake3=blake3(data).digest(),
        has_newline=data.endswith(b"\n"),
        first_bytes=data[:1024],
        last_bytes=data[-4096:],
    )


@given(
    sizes=st.lists(st.integers(0, 9), max_size=12),
    events=st.integers(1, 12),
    length=st.integers(1, 2_000),
)
def test_batches_tile_the_segment_whatever_their_limits(
    sizes: list[int], events: int, length: int
) -> None:
    """Invariant 3: batches lie side by side, each with the digest of its own bytes."""
    parts = [goods(size) + b"\n" for size in sizes]
    data = b"".join(parts)

    writes = collect(parts, IngestOptions(batch_events=events, batch_bytes=length))

    assert is_tiled([(each.byte_start, each.byte_end) for each in writes], len(data))
    assert all(
        each.digest == blake3(data[each.byte_start : each.byte_end]).digest() for each in writes
    )
    lines = [(each.first_line, each.next_line) for each in writes]
    assert is_tiled(lines, 1 + data.count(b"\n"), start=1)


def test_a_batch_ends_with_the_block_that_brings_enough_events() -> None:
    """Events and dead letters count alike (IN-24), at the end of a block and not within."""
    parts = [goods(2), b"[1]\n", goods(3), goods(1)]

    writes = collect(parts, IngestOptions(batch_events=3))

    assert [(len(each.events), len(each.dead_letters)) for each in writes] == [
        (2, 1),
        (3, 0),
        (1, 0),
    ]


def test_a_batch_ends_with_the_block_that_brings_enough_bytes() -> None:
    """A batch is committed when it covers so many bytes."""
    parts = [b"\n" * 60, b"\n" * 60, b"\n" * 60]

    writes = collect(parts, IngestOptions(batch_bytes=100))

    assert [each.byte_end - each.byte_start for each in writes] == [120, 60]


def test_a_batch_ends_when_it_is_old() -> None:
    """A batch is committed when so much time has passed since it began."""
    parts = [goods(1)] * 5

    writes = collect(
        parts, IngestOptions(batch_seconds=1.0), seconds=[10.0, 10.9, 11.0, 11.5, 12.6]
    )

    assert [len(each.events) for each in writes] == [3, 2]


def test_a_file_of_dead_letters_alone_is_committed() -> None:
    """IN-24: a thousand bad lines and no good one are a thousand dead letters."""
    writes = collect([b"bad\n" * 500] * 2, IngestOptions(batch_events=100))

    assert sum(len(each.dead_letters) for each in writes) == 1_000


def test_nothing_collected_is_nothing_committed() -> None:
    """No batch is empty."""
    sink = KeepingSink()

    collector(sink, IngestOptions()).commit()

    assert sink.calls == []


def test_rows_stand_at_their_positions() -> None:
    """The position of a row is its segment and the byte where its line begins."""
    sink = KeepingSink()
    collecting = collector(sink, IngestOptions(), a_segment(3, checkpoint=1_000, next_line=7))
    each = block(good(1) + b"[1]\n\n" + good(2, level=10), 1_000, 7)

    collecting.add_block(each, PARSER.parse(each), 0.0)
    collecting.commit()

    (write,) = sink.writes
    first = position_of(3, 1_000)
    events = [*write.events]
    assert [event[0] for event in events] == [first, first + len(good(1)) + 5]
    assert [event[1] for event in events] == [7, 10]
    assert [letter.position for letter in write.dead_letters] == [first + len(good(1))]
    assert [filler.position for filler in write.fillers] == [first + len(good(1)) + 4]
    assert [finding.position for finding in write.findings] == [events[1][0]]
    assert (collecting.checkpoint, collecting.next_line) == (write.byte_end, 11)
    assert (collecting.events, collecting.dead_letters) == (2, 1)


def test_the_fingerprint_follows_the_checkpoint() -> None:
    """Each batch carries the hashes by which its bytes are known again."""
    parts = [goods(30), goods(30, 30)]
    data = b"".join(parts)

    writes = collect(parts, IngestOptions(batch_events=30))

    whole = writes[-1].fingerprint
    assert whole.head_hash == blake3(data[:1024]).digest()
    assert whole.anchor_hash == blake3(data[-4096:]).digest()
    assert writes[0].fingerprint != whole


def test_a_long_line_is_a_batch_of_its_own() -> None:
    """M45: its dead letter has place, length and hash, and what came before is committed first."""
    sink = KeepingSink()
    options = IngestOptions(limits=Limits(line_bytes_max=99))
    collecting = collector(sink, options)
    before, data = blocks(goods(1))[0], b"x" * 100 + b"\n"

    collecting.add_block(before, PARSER.parse(before), 0.0)
    collecting.add_stretch(stretch(StretchKind.LONG_LINE, data, len(before.data), 2), 0.0)

    first, second = sink.writes
    assert (len(first.events), len(second.events)) == (1, 0)
    (letter,) = second.dead_letters
    assert (letter.reason, letter.column_no, letter.raw) == ("too_long", 100, None)
    assert (letter.length, letter.line_no, letter.has_newline) == (101, 2, True)
    assert letter.sha256 == hashlib.sha256(b"x" * 100).digest()
    assert (second.digest, second.next_line) == (blake3(data).digest(), 3)
    assert collecting.dead_letters == 1


def test_a_run_of_nuls_is_a_batch_with_a_filler() -> None:
    """M35: a hole of any size costs one row, and its line begins behind it."""
    sink = KeepingSink()

    collector(sink, IngestOptions()).add_stretch(stretch(StretchKind.NUL_RUN, bytes(500)), 0.0)

    (write,) = sink.writes
    (filler,) = write.fillers
    assert (filler.kind, filler.length, filler.raw) == (FillerKind.NUL, 500, None)
    assert (write.first_line, write.next_line) == (1, 1)


def test_what_a_broken_archive_cuts_is_a_dead_letter_with_a_gap() -> None:
    """M15: the line before the fault is kept as far as it goes, in one batch with the gap."""
    sink = KeepingSink()
    collecting = collector(sink, IngestOptions())
    cut = Break(
        start=ByteOffset(0), line=LineNumber(1), data=b'{"a":', detail="bad CRC", is_truncated=False
    )
    content = PARSER.parse(block(cut.data))

    collecting.add_break(cut, content, GAP, 0.0)

    (write,) = sink.writes
    (letter,) = write.dead_letters
    assert letter.reason == "corrupt_archive"
    assert letter.detail.endswith("bad CRC")
    assert (write.gaps, write.state) == ((GAP,), SegmentState.BROKEN)


def test_a_cut_line_that_is_whole_is_an_event() -> None:
    """M15: an archive that breaks off right before a newline loses no event."""
    sink = KeepingSink()
    cut = Break(
        start=ByteOffset(0),
        line=LineNumber(1),
        data=good(1)[:-1],
        detail="x",
        is_truncated=True,
    )

    collector(sink, IngestOptions()).add_break(cut, PARSER.parse(block(cut.data)), GAP, 0.0)

    assert [len(each.events) for each in sink.writes] == [1]


def test_an_archive_that_breaks_between_lines_leaves_a_gap_alone() -> None:
    """M15: nothing was cut, so there is no batch; what was collected before is committed."""
    sink = KeepingSink()
    collecting = collector(sink, IngestOptions())
    before = block(goods(1))
    cut = Break(
        start=ByteOffset(len(before.data)),
        line=LineNumber(2),
        data=b"",
        detail="x",
        is_truncated=True,
    )

    collecting.add_block(before, PARSER.parse(before), 0.0)
    collecting.add_break(cut, PARSER.parse(block(b"")), GAP, 0.0)

    assert len(sink.writes) == 1
    assert sink.gaps == [GAP]


def test_blank_lines_of_neighbouring_blocks_are_one_filler() -> None:
    """Invariant 10: where a block ended between blank lines does not show."""
    writes = collect([b"\n" * 5, b"\n" * 3, goods(1), b"\n"], IngestOptions())

    (write,) = writes
    assert [(each.kind, each.length, each.raw) for each in write.fillers] == [
        (FillerKind.BLANK, 8, b"\n" * 8),
        (FillerKind.BLANK, 1, b"\n"),
    ]


def test_only_neighbours_of_one_kind_are_merged() -> None:
    """NULs stay apart from blank lines, and blank lines from those elsewhere."""
    fillers = [
        Filler(position=position_of(1, 0), kind=FillerKind.NUL, length=2, raw=None),
        Filler(position=position_of(1, 2), kind=FillerKind.BLANK, length=1, raw=b"\n"),
        Filler(position=position_of(1, 9), kind=FillerKind.BLANK, length=1, raw=b"\n"),
    ]

    assert merged(fillers) == fillers


@pytest.mark.parametrize("number", [1, SEGMENT_ID_MAX + 1])
def test_a_segment_that_is_full_is_named(number: int) -> None:
    """A position has 40 bits for the byte and 23 for the segment; beyond them nothing is stored."""
    sink = KeepingSink()
    start = SEGMENT_BYTES_MAX - len(good(1)) + (number == 1)
    segment = a_segment(number, checkpoint=start)
    collecting = collector(sink, IngestOptions(), segment)
    each = block(good(1), start)

    with pytest.raises(LogUnreadableError, match="a segment holds at most"):
        collecting.add_block(each, PARSER.parse(each), 0.0)
    with pytest.raises(LogUnreadableError, match="a segment holds at most"):
        collecting.add_stretch(stretch(StretchKind.NUL_RUN, bytes(999), start), 0.0)

    assert sink.writes == []


def test_the_last_bytes_of_a_full_segment_are_stored() -> None:
    """The limit itself is within the limit."""
    sink = KeepingSink()
    start = SEGMENT_BYTES_MAX - len(good(1))
    collecting = collector(sink, IngestOptions(), a_segment(SEGMENT_ID_MAX, checkpoint=start))
    each = block(good(1), start)

    collecting.add_block(each, PARSER.parse(each), 0.0)
    collecting.commit()

    (write,) = sink.writes
    assert write.byte_end == SEGMENT_BYTES_MAX
    (event,) = write.events
    assert json.loads(bytes(event[3]))["n"] == 1  # type: ignore[arg-type]  # raw bytes
