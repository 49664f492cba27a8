"""Reading: a log's bytes from a checkpoint on, plain or compressed, live or closed."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import LogCorruptError, LogMissingError, LogUnreadableError
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.discovery import discover
from evidentia.log.reader import read_pieces
from evidentia.log.values import (
    Block,
    Break,
    Compression,
    Limits,
    LogFile,
    LogSource,
    Piece,
    Tail,
)

Packed = Callable[[Compression, bytes], bytes]
Written = Callable[..., Path]
Found = Callable[[Path], LogFile]

ARCHIVES = [each for each in Compression if each is not Compression.NONE]
LINES = b"".join(b'{"n":%d,"text":"%032x"}\n' % (each, each * 7**40) for each in range(5_000))
SMALL = Limits(block_bytes=10_000, line_bytes_max=20_000)


def pieces_of(
    file: LogFile,
    *,
    start: int = 0,
    line: int = 1,
    limits: Limits = SMALL,
    is_closed: bool = True,
) -> Iterator[Piece]:
    """The pieces, with the arguments a test does not care about filled in."""
    return read_pieces(
        file,
        start=ByteOffset(start),
        first_line=LineNumber(line),
        limits=limits,
        is_closed=is_closed,
    )


def joined(pieces: Iterator[Piece]) -> bytes:
    """All bytes, of a log that consists of blocks only."""
    return b"".join(piece.data for piece in pieces if isinstance(piece, Block))


@pytest.mark.parametrize("compression", list(Compression))
def test_blocks_give_the_log_back_however_it_is_compressed(
    compression: Compression, packed: Packed, written: Written, found: Found
) -> None:
    """M13, IN-25: the bytes of all blocks are the bytes of the log, in blocks of the given size."""
    file = found(written(packed(compression, LINES)))

    pieces = list(pieces_of(file))

    assert file.compression is compression
    assert joined(iter(pieces)) == LINES
    assert max(len(each.data) for each in pieces if isinstance(each, Block)) <= 10_100
    assert [each for each in pieces if not isinstance(each, Block)] == []


@pytest.mark.parametrize("compression", list(Compression))
def test_reading_resumes_at_a_byte_of_the_decompressed_stream(
    compression: Compression, packed: Packed, written: Written, found: Found
) -> None:
    """M01, IN-12: a checkpoint taken in the plain file holds in its compressed copy."""
    start = LINES.index(b'{"n":3000')
    file = found(written(packed(compression, LINES)))

    pieces = list(pieces_of(file, start=start, line=3_001))

    assert joined(iter(pieces)) == LINES[start:]
    assert (pieces[0].start, pieces[0].first_line) == (start, 3_001)  # type: ignore[union-attr]


@given(
    data=st.lists(st.sampled_from([b"\n", b"\0" * 9, b"abc", b'{"a":1}\n']), max_size=30).map(
        b"".join
    ),
    compression=st.sampled_from([Compression.NONE, Compression.GZIP]),
    limits=st.builds(Limits, block_bytes=st.integers(1, 20), line_bytes_max=st.integers(1, 20)),
)
@settings(derandomize=True, max_examples=100)
def test_pieces_tile_the_file_and_every_boundary_can_be_resumed(
    data: bytes,
    compression: Compression,
    limits: Limits,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """M45, IN-21: the pieces cover the file exactly, and each boundary can be resumed."""
    path = tmp_path_factory.mktemp("log") / "a.json"
    path.write_bytes(gzip.compress(data) if compression is Compression.GZIP else data)
    (file,) = discover([LogSource(pattern=str(path), pack="world")]).files

    pieces = list(pieces_of(file, limits=limits))

    ends = [each.start + covered(each) for each in pieces]
    assert [each.start for each in pieces] == [0, *ends][: len(pieces)]
    assert (ends or [0])[-1] == len(data)
    for piece in pieces:
        line = piece.first_line if isinstance(piece, Block) else piece.line
        resumed = list(pieces_of(file, start=piece.start, line=line, limits=limits))
        assert resumed[-1].start + covered(resumed[-1]) == len(data)
        assert joined(iter(resumed)) == joined(each for each in pieces if each.start >= piece.start)


def covered(piece: Piece) -> int:
    """How many bytes of the segment a piece covers."""
    return len(piece.data) if isinstance(piece, Block | Break) else piece.length


def test_resuming_touches_no_byte_before_the_checkpoint(
    tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-21: one seek, then only new bytes; the gigabyte before the checkpoint is not read."""
    path = tmp_path / "big.json"
    start = 2**30
    with path.open("wb") as log:
        log.seek(start)
        log.write(LINES)
    file = found(path)
    sizes: list[int] = []
    real_read = os.pread

    def counting_read(descriptor: int, size: int, place: int) -> bytes:
        data = real_read(descriptor, size, place)
        sizes.append(len(data))
        return data

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", counting_read)
        data = joined(pieces_of(file, start=start))

    assert data == LINES
    assert sum(sizes) == len(LINES)


def test_a_writer_may_append_while_the_log_is_read(written: Written, found: Found) -> None:
    """IN-10: reading goes on to the new end, and no byte comes twice."""
    path = written(LINES)
    pieces = pieces_of(found(path), is_closed=False)

    first = next(pieces)
    with path.open("ab") as log:
        log.write(LINES + b"{")
    rest = list(pieces)

    assert isinstance(first, Block)
    assert first.data + joined(iter(rest)) == LINES + LINES
    assert rest[-1] == Tail(start=ByteOffset(2 * len(LINES)), line=LineNumber(10_001), length=1)


def test_a_checkpoint_beyond_the_end_gives_nothing(
    written: Written, found: Found, packed: Packed
) -> None:
    """M24: a file that shrank has no new bytes; whether it is the same is not asked here."""
    plain = found(written(LINES, "a.json"))
    archive = found(written(packed(Compression.GZIP, LINES), "a.json.gz"))

    pieces = [*pieces_of(plain, start=10**6), *pieces_of(archive, start=10**6)]

    assert pieces == []


@pytest.mark.parametrize("compression", ARCHIVES)
@pytest.mark.parametrize("is_closed", [True, False])
def test_an_archive_cut_short_gives_its_whole_lines_and_a_break(
    compression: Compression,
    is_closed: bool,  # noqa: FBT001  (a case of the test, not a switch)
    packed: Packed,
    written: Written,
    found: Found,
) -> None:
    """M14, M15: lines before the end come out, the cut line comes with the break."""
    archive = packed(compression, LINES)
    file = found(written(packed(compression, LINES) + archive[: len(archive) - 20]))

    *blocks, last = pieces_of(file, is_closed=is_closed)

    data = joined(iter(blocks))
    assert isinstance(last, Break)
    assert last.is_truncated
    assert data.startswith(LINES)
    assert data.endswith(b"\n")
    assert (last.start, last.line) == (len(data), data.count(b"\n") + 1)
    assert (LINES + LINES).startswith(data + last.data)


def test_a_corrupt_archive_ends_with_a_break_that_says_why(
    packed: Packed, written: Written, found: Found
) -> None:
    """M15: a bad checksum costs no line, and the break is no truncation."""
    archive = bytearray(packed(Compression.GZIP, LINES))
    archive[-5] ^= 1
    file = found(written(bytes(archive)))

    *blocks, last = pieces_of(file)

    assert joined(iter(blocks)) == LINES
    assert last == Break(
        start=ByteOffset(len(LINES)),
        line=LineNumber(5_001),
        data=b"",
        detail=last.detail,  # type: ignore[union-attr]  # compared as a whole
        is_truncated=False,
    )
    assert "incorrect data check" in last.detail


def test_an_archive_that_breaks_before_the_checkpoint_breaks_there(
    packed: Packed, written: Written, found: Found
) -> None:
    """M14: the checkpoint stands; nothing before it is handed out again."""
    archive = packed(Compression.GZIP, LINES)
    file = found(written(archive[: len(archive) // 2]))

    pieces = list(pieces_of(file, start=len(LINES), line=5_001))

    assert [(type(each), each.start) for each in pieces] == [(Break, len(LINES))]


def test_a_bomb_stops_the_reading(packed: Packed, written: Written, found: Found) -> None:
    """M16: reading refuses what inspection would have refused."""
    file = found(written(packed(Compression.GZIP, b"{}\n" * 10**6)))
    limits = dataclasses.replace(SMALL, expansion_max=2, expansion_free_bytes=1_000)

    with pytest.raises(LogCorruptError, match="expands"):
        list(pieces_of(file, limits=limits))


def test_a_reading_error_names_path_and_byte(
    written: Written, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M36: what was read before the fault was handed on; the error says where it is."""
    path = written(LINES)
    pieces = pieces_of(found(path))
    first = next(pieces)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(OSError(5, "fault")))
        with pytest.raises(LogUnreadableError) as caught:
            next(pieces)

    assert isinstance(first, Block)
    assert caught.value.where == f"{path}, byte 10000"


def test_a_log_that_went_away_is_missing(written: Written, found: Found) -> None:
    """M17: a file deleted between finding and reading is an error of its own."""
    path = written(LINES)
    file = found(path)
    path.unlink()

    with pytest.raises(LogMissingError):
        next(pieces_of(file))


def test_a_log_that_was_rotated_since_it_was_found_is_not_read_in_its_place(
    written: Written, found: Found
) -> None:
    """M02: the new file at the old path is never read from the old file's checkpoint."""
    path = written(LINES)
    file = found(path)
    path.rename(path.with_suffix(".1"))
    written(b"{}\n")

    with pytest.raises(LogUnreadableError, match="taken the log's place"):
        next(pieces_of(file, start=1_000))


def test_a_file_whose_inode_is_not_known_is_read_by_its_path(
    written: Written, found: Found
) -> None:
    """M32: some file systems number no inodes; then the path has to do."""
    file = dataclasses.replace(found(written(LINES)), inode=0)

    data = joined(pieces_of(file))

    assert data == LINES


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs descriptors as paths")
def test_a_deleted_log_is_read_through_a_descriptor_that_was_kept(
    written: Written, found: Found
) -> None:
    """M04: a log rotated out of reach is drained through the descriptor its reader held."""
    path = written(LINES)
    file = found(path)
    with path.open("rb") as kept:
        path.unlink()
        held = dataclasses.replace(file, path=Path(f"/proc/self/fd/{kept.fileno()}"))
        data = joined(pieces_of(held, start=0))

    assert data == LINES


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_the_descriptor_is_given_back_in_all_cases(
    compression: Compression,
    packed: Packed,
    written: Written,
    found: Found,
    descriptors: dict[str, int],
) -> None:
    """M57: after the end, and when the caller stops half-way, nothing stays open."""
    file = found(written(packed(compression, LINES)))

    whole = list(pieces_of(file))
    stopped = pieces_of(file)
    next(stopped)
    during = descriptors["open"]
    stopped.close()  # type: ignore[attr-defined]  # every generator has it

    assert whole
    assert during == 1
    assert descriptors == {"open": 0, "most": 1}


def test_nothing_is_opened_before_the_first_step(
    written: Written, found: Found, descriptors: dict[str, int]
) -> None:
    """M57: thousands of logs may wait their turn without a descriptor each."""
    file = found(written(LINES))
    opened_before = descriptors["most"]

    waiting = [pieces_of(file) for _ in range(100)]

    assert descriptors == {"open": 0, "most": opened_before}
    assert all(isinstance(next(each), Block) for each in itertools.islice(waiting, 2))
    for each in waiting:
        each.close()  # type: ignore[attr-defined]  # every generator has it
