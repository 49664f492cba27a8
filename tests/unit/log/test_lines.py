"""Cutting: any bytes in any chunks come back as lines, stretches and a tail that tile them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from blake3 import blake3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.lines import LineCutter
from evidentia.log.values import (
    ANCHOR_BYTES,
    HEAD_BYTES,
    Block,
    Break,
    Limits,
    Piece,
    Stretch,
    StretchKind,
    Tail,
)

SMALL = st.builds(
    Limits,
    block_bytes=st.integers(1, 12),
    line_bytes_max=st.integers(1, 12),
)
CONTENT = st.lists(
    st.sampled_from(
        [b"\n", b"\n", b"\0", b"\0" * 7, b"\0" * 13, b"a", b"{}\n", b"\r\n", b"\r", b"x" * 9]
        + [character.encode() for character in "\u2028\u2029\u0085\ufeff"]
    ),
    max_size=14,
).map(b"".join)


def cut(
    data: bytes,
    limits: Limits,
    *,
    size: int = 10**9,
    start: int = 0,
    line: int = 1,
    is_closed: bool = True,
) -> list[Piece]:
    """The pieces of ``data[start:]``, fed in chunks of at most ``size``."""
    cutter = LineCutter(start=ByteOffset(start), first_line=LineNumber(line), limits=limits)
    step = min(size, cutter.chunk_bytes_max)
    pieces: list[Piece] = []
    for place in range(start, len(data), step):
        pieces += cutter.feed(data[place : place + step])
    return [*pieces, *cutter.finish(is_closed=is_closed)]


def length_of(piece: Piece) -> int:
    """How many bytes of the segment a piece covers."""
    return len(piece.data) if isinstance(piece, Block | Break) else piece.length


def line_of(piece: Piece) -> int:
    """The number of the line a piece begins in."""
    return piece.first_line if isinstance(piece, Block) else piece.line


def lines_of(pieces: list[Piece], data: bytes) -> dict[int, bytes]:
    """The content of each line, by number, from the places the pieces claim."""
    lines: dict[int, bytes] = {}
    for piece in pieces:
        covered = data[piece.start : piece.start + length_of(piece)]
        for number, content in enumerate(covered.split(b"\n"), line_of(piece)):
            lines[number] = lines.get(number, b"") + content
    return lines


def boundaries(pieces: list[Piece]) -> Iterator[tuple[int, int]]:
    """Every (byte offset, line number) at which a piece begins."""
    return ((piece.start, line_of(piece)) for piece in pieces)


@given(CONTENT, SMALL, st.integers(1, 12), st.booleans())
@example(
    data=b"\0" * 13 + b"\n",
    limits=Limits(block_bytes=12, line_bytes_max=12),
    size=12,
    is_closed=True,
)
@example(
    data=b"\0" * 12 + b"\n",
    limits=Limits(block_bytes=12, line_bytes_max=12),
    size=12,
    is_closed=True,
)
@example(
    data=b"\0" * 5 + b"a\n", limits=Limits(block_bytes=12, line_bytes_max=2), size=2, is_closed=True
)
@settings(derandomize=True, max_examples=400)
def test_pieces_tile_the_file_and_split_it_at_newlines_only(
    data: bytes,
    limits: Limits,
    size: int,
    is_closed: bool,  # noqa: FBT001  (drawn)
) -> None:
    """M38, M45, M52: no hole, no overlap, and the lines are those that newlines end."""
    pieces = cut(data, limits, size=size, is_closed=is_closed)

    ends = [piece.start + length_of(piece) for piece in pieces]
    expected = dict(enumerate(data.split(b"\n"), 1))
    assert [piece.start for piece in pieces] == [0, *ends][: len(pieces)]
    assert (ends or [0])[-1] == len(data)
    assert {**dict.fromkeys(expected, b""), **lines_of(pieces, data)} == expected


@given(CONTENT, SMALL, st.integers(1, 12))
@settings(derandomize=True, max_examples=400)
def test_every_piece_is_what_it_says(data: bytes, limits: Limits, size: int) -> None:
    """M35, M45: blocks hold whole short lines, stretches the hashes and ends of their bytes."""
    pieces = cut(data, limits, size=size)

    for piece in pieces:
        covered = data[piece.start : piece.start + length_of(piece)]
        if isinstance(piece, Block):
            assert piece.data == covered
            assert piece.is_final == (not covered.endswith(b"\n"))
            assert max(map(len, covered.split(b"\n"))) <= limits.line_bytes_max
        else:
            assert isinstance(piece, Stretch)
            assert_stretch(piece, covered, limits)


def assert_stretch(stretch: Stretch, covered: bytes, limits: Limits) -> None:
    """A stretch tells the truth about the bytes it covers."""
    line = covered.removesuffix(b"\n")
    assert stretch.has_newline == covered.endswith(b"\n")
    assert stretch.sha256 == hashlib.sha256(line).digest()
    assert stretch.blake3 == blake3(covered).digest()
    assert stretch.first_bytes == covered[:HEAD_BYTES]
    assert stretch.last_bytes == covered[-ANCHOR_BYTES:]
    if stretch.kind is StretchKind.NUL_RUN:
        assert covered == bytes(len(covered))
        assert len(covered) > limits.block_bytes
    else:
        assert len(line) > limits.line_bytes_max
        assert b"\n" not in line


@given(CONTENT, SMALL, st.integers(1, 12), st.booleans())
@settings(derandomize=True, max_examples=400)
def test_chunks_decide_nothing(
    data: bytes,
    limits: Limits,
    size: int,
    is_closed: bool,  # noqa: FBT001  (drawn)
) -> None:
    """M45: what is a stretch or a tail depends on the bytes and the limits, not on the reads."""
    pieces = cut(data, limits, size=size, is_closed=is_closed)

    one_by_one = cut(data, limits, size=1, is_closed=is_closed)
    assert [each for each in pieces if not isinstance(each, Block)] == [
        each for each in one_by_one if not isinstance(each, Block)
    ]


@given(CONTENT, SMALL, st.integers(1, 12))
@settings(derandomize=True, max_examples=300)
def test_resuming_at_any_piece_gives_the_same_lines(data: bytes, limits: Limits, size: int) -> None:
    """M21, IN-12: a checkpoint at any boundary, also behind a run of NULs, loses nothing."""
    pieces = cut(data, limits, size=size)

    for number, (start, line) in enumerate(boundaries(pieces)):
        resumed = cut(data, limits, size=size, start=start, line=line)
        assert lines_of(resumed, data) == lines_of(pieces[number:], data)
        assert [each for each in resumed if isinstance(each, Stretch)] == [
            each for each in pieces[number:] if isinstance(each, Stretch)
        ]


@given(CONTENT, SMALL, st.lists(st.integers(0, 60), max_size=5).map(sorted))
@settings(derandomize=True, max_examples=300)
def test_a_growing_file_gives_each_line_once(data: bytes, limits: Limits, sizes: list[int]) -> None:
    """M21, IN-01: polls at any sizes, tails held back, and in the end the same lines."""
    taken: list[Piece] = []
    start, line = 0, 1

    for size in [*sizes, len(data)]:
        for piece in cut(data[:size], limits, start=start, line=line, is_closed=False):
            if not isinstance(piece, Tail):
                taken.append(piece)
                start = piece.start + length_of(piece)
                line = lines_after(piece)
    taken += cut(data, limits, start=start, line=line)

    expected = dict(enumerate(data.split(b"\n"), 1))
    assert {**dict.fromkeys(expected, b""), **lines_of(taken, data)} == expected


def lines_after(piece: Piece) -> int:
    """The number of the line behind a piece."""
    if isinstance(piece, Block):
        return piece.first_line + piece.data.count(b"\n")
    assert isinstance(piece, Stretch)
    return piece.line + piece.has_newline


def test_lines_end_at_newlines_and_nowhere_else() -> None:
    """M38: carriage returns, U+2028, U+2029 and NEL are bytes of the line."""
    data = "a\r\nb\rc\u2028d\u2029e\u0085f\x0b\x0c\n".encode()

    pieces = cut(data, Limits())

    assert pieces == [Block(start=ByteOffset(0), first_line=LineNumber(1), data=data)]


@pytest.mark.parametrize(("data", "lines"), [(b"", 0), (b"\n\n\n", 3), (b"  \n \n", 2)])
def test_a_file_without_content_is_accounted(data: bytes, lines: int) -> None:
    """M52: an empty file gives nothing, newlines and spaces give their bytes."""
    pieces = cut(data, Limits())

    assert b"".join(each.data for each in pieces if isinstance(each, Block)) == data
    assert sum(each.data.count(b"\n") for each in pieces if isinstance(each, Block)) == lines


def test_bytes_behind_the_last_newline_are_held_back_in_a_live_file() -> None:
    """M21, IN-20: an unfinished line is a tail, never an event and never a dead letter."""
    pieces = cut(b"{}\n{", Limits(), is_closed=False)

    assert pieces == [
        Block(start=ByteOffset(0), first_line=LineNumber(1), data=b"{}\n"),
        Tail(start=ByteOffset(3), line=LineNumber(2), length=1),
    ]


def test_bytes_behind_the_last_newline_are_the_last_line_of_a_closed_file() -> None:
    """M23: nothing more will come, so what is there is a line, marked as final."""
    pieces = cut(b"{}\n{", Limits(), is_closed=True)

    assert pieces[1] == Block(
        start=ByteOffset(3), first_line=LineNumber(2), data=b"{", is_final=True
    )


@pytest.mark.parametrize("is_closed", [True, False])
def test_an_endless_line_is_a_tail_while_live_and_a_stretch_when_closed(
    is_closed: bool,  # noqa: FBT001  (a case of the test, not a switch)
) -> None:
    """M45: a file with no newline at all is never held, and counted to its last byte."""
    limits = Limits(block_bytes=4, line_bytes_max=6)

    (piece,) = cut(b"x" * 100, limits, is_closed=is_closed)

    assert isinstance(piece, Stretch if is_closed else Tail)
    assert piece.length == 100


def test_a_line_as_long_as_the_limit_is_still_a_line() -> None:
    """M45: the limit itself is allowed; one byte more is a stretch; both keep their newline."""
    limits = Limits(block_bytes=4, line_bytes_max=6)

    pieces = cut(b"123456\n1234567\nend\n", limits)

    assert [type(piece) for piece in pieces] == [Block, Stretch, Block]
    assert pieces[0].data == b"123456\n"  # type: ignore[union-attr]  # asserted above
    assert pieces[1].length == 8  # type: ignore[union-attr]  # asserted above
    assert line_of(pieces[2]) == 3


def test_a_line_longer_than_a_block_makes_a_bigger_block() -> None:
    """M45: within the line limit a line is handed on whole."""
    limits = Limits(block_bytes=4, line_bytes_max=100)

    pieces = cut(b"x" * 99 + b"\n", limits)

    assert [length_of(piece) for piece in pieces] == [100]


def test_a_hole_is_a_run_of_nuls_and_the_line_goes_on_behind_it() -> None:
    """M35: a sparse hole is no long line; what follows it keeps the line's number."""
    limits = Limits(block_bytes=8, line_bytes_max=16)

    pieces = cut(b"{}\n" + bytes(1_000) + b'{"a":1}\n{}\n', limits)

    assert [(type(each), each.start, line_of(each), length_of(each)) for each in pieces] == [
        (Block, 0, 1, 3),
        (Stretch, 3, 2, 1_000),
        (Block, 1_003, 2, 11),
    ]


def test_a_hole_at_the_end_of_a_live_file_is_held_back() -> None:
    """M35: space reserved ahead of the writer is filled later; it is not read as NULs before."""
    limits = Limits(block_bytes=8, line_bytes_max=16)

    live = cut(bytes(1_000), limits, is_closed=False)
    closed = cut(bytes(1_000), limits, is_closed=True)

    assert live == [Tail(start=ByteOffset(0), line=LineNumber(1), length=1_000)]
    assert [(type(each), length_of(each)) for each in closed] == [(Stretch, 1_000)]


def broken_off(
    data: bytes, *, is_truncated: bool = False, is_closed: bool = True
) -> list[tuple[type, int, int, bytes | int]]:
    """The pieces after a break behind the data, with limits of 8 and 16 bytes."""
    limits = Limits(block_bytes=8, line_bytes_max=16)
    cutter = LineCutter(start=ByteOffset(0), first_line=LineNumber(1), limits=limits)
    pieces: list[Piece] = []
    for place in range(0, len(data), 8):
        pieces += cutter.feed(data[place : place + 8])
    pieces += cutter.break_off("why", is_truncated=is_truncated, is_closed=is_closed)
    assert isinstance(pieces[-1], Break)
    assert (pieces[-1].detail, pieces[-1].is_truncated) == ("why", is_truncated)
    return [
        (
            type(each),
            each.start,
            line_of(each),
            each.data if isinstance(each, Break) else length_of(each),
        )
        for each in pieces
    ]


@pytest.mark.parametrize("is_truncated", [True, False])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_break_carries_the_cut_line(
    is_truncated: bool,  # noqa: FBT001  (a case of the test, not a switch)
    is_closed: bool,  # noqa: FBT001  (a case of the test, not a switch)
) -> None:
    """M15: whole lines come first, then what could be read of the cut one, with its number."""
    pieces = broken_off(b"{}\n{}\n{", is_truncated=is_truncated, is_closed=is_closed)

    assert pieces == [(Block, 0, 1, 6), (Break, 6, 3, b"{")]


@pytest.mark.parametrize(
    ("is_truncated", "is_closed"), [(True, True), (False, True), (False, False)]
)
@pytest.mark.parametrize("data", [b"x" * 40, bytes(40)])
def test_a_cut_line_too_long_to_hold_comes_as_a_stretch_before_the_break(
    data: bytes,
    is_truncated: bool,  # noqa: FBT001  (a case of the test, not a switch)
    is_closed: bool,  # noqa: FBT001  (a case of the test, not a switch)
) -> None:
    """M15, M45: every byte before the fault is accounted, however long its line is."""
    pieces = broken_off(data, is_truncated=is_truncated, is_closed=is_closed)

    assert pieces == [(Stretch, 0, 1, 40), (Break, 40, 1, b"")]


@pytest.mark.parametrize("data", [b"x" * 40, bytes(40)])
def test_a_long_line_in_an_archive_still_being_written_is_left_for_later(data: bytes) -> None:
    """M14: nothing of it is handed on that a complete archive would give differently."""
    pieces = broken_off(data, is_truncated=True, is_closed=False)

    assert pieces == [(Break, 0, 1, b"")]
