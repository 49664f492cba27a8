"""Blocks of lines become events, dead letters and fillers, and no byte is left over."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.event.values import Flag
from evidentia.ingest.collect import dead_letter_row, filler_row, merged
from evidentia.ingest.dividing import BLOCK_BYTES_MAX, BLOCK_LINES_MAX, divided, parts_of
from evidentia.ingest.parse import ParsedBlock
from evidentia.log.values import Block, Tail
from evidentia.store.values import EVENT_COLUMNS, DeadLetterRow, Filler, FillerKind

from .kit import BAD_LINES, PLAIN, block, good, is_tiled, parser, spans

PARSER = parser()
LENIENT = parser(is_lenient=True)

LINES = st.one_of(
    st.integers(0, 99).map(lambda number: good(number)[:-1]),
    st.sampled_from(BAD_LINES),
    st.sampled_from((b"", b" ", b"\t \r", b"\r", b"\0", b"\0\0  ", b"\xef\xbb\xbf")),
    st.integers(0, 9).map(lambda number: b"\0" * number + good(number)[:-1]),
    st.integers(0, 9).map(lambda number: good(number)[:-1] + b"\r"),
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")),
)
"""Lines of every sort, without their newline."""
LOGS = st.lists(LINES, max_size=12).map(lambda lines: b"".join(line + b"\n" for line in lines))
STARTS = st.sampled_from((b"", b"\xef\xbb\xbf", b"\0\0\0", b"\xef\xbb\xbf\0", b"\0\xef\xbb\xbf"))


def rows_of(
    part: Block, found: ParsedBlock
) -> tuple[list[object], list[DeadLetterRow], list[Filler]]:
    """What a block holds as rows at their places in the segment."""
    base = part.start
    events = [(base + event[0], base + event[1], *event[2:]) for event in found.events]
    letters = [dead_letter_row(part.data, letter, base) for letter in found.dead_letters]
    fillers = [filler_row(part.data, filler, base) for filler in found.fillers]
    return [*events], letters, fillers


@given(data=st.binary(max_size=300))
def test_every_byte_of_random_bytes_is_in_exactly_one_row(data: bytes) -> None:
    """Invariant 3: events, dead letters and fillers lie side by side and cover the block."""
    found = PARSER.parse(block(data))

    assert is_tiled(spans(data, found), len(data))


@given(start=STARTS, log=LOGS, tail=st.one_of(st.just(b""), LINES), is_lenient=st.booleans())
def test_every_byte_of_a_mixed_log_is_in_exactly_one_row(
    start: bytes, log: bytes, tail: bytes, *, is_lenient: bool
) -> None:
    """Invariant 3: good, bad, blank, NUL, BOM and CRLF lines in any order are all accounted for."""
    data = start + log + tail

    found = (LENIENT if is_lenient else PARSER).parse(block(data))

    assert is_tiled(spans(data, found), len(data))
    assert found.next_line == 1 + data.count(b"\n")


@settings(max_examples=200)
@given(start=STARTS, log=LOGS, tail=st.one_of(st.just(b""), LINES), chance=st.randoms())
def test_cutting_a_log_at_any_newlines_gives_the_same_rows(
    start: bytes, log: bytes, tail: bytes, chance: Random
) -> None:
    """Invariant 10: how a log was cut into blocks does not show in the rows."""
    data = start + log + tail
    newlines = [place + 1 for place, byte in enumerate(data) if byte == ord(b"\n")]
    chosen = [place for place in newlines if chance.random() < 0.5]
    whole = block(data)

    parts = [
        block(data[begin:end], begin, 1 + data.count(b"\n", 0, begin))
        for begin, end in pairwise(sorted({0, *chosen, len(data)}))
    ]
    pieces = [rows_of(part, PARSER.parse(part)) for part in parts]

    events, letters, fillers = rows_of(whole, PARSER.parse(whole))
    assert [row for piece in pieces for row in piece[0]] == events
    assert [row for piece in pieces for row in piece[1]] == letters
    assert merged(row for piece in pieces for row in piece[2]) == fillers


def test_an_event_has_its_line_number_hash_and_columns() -> None:
    """IN-12: an event's place is that of the first byte of its line."""
    line = good(7)
    data = b"\n[1]\n" + line

    found = PARSER.parse(block(data, first_line=10))

    ((start, end, line_no, kind, sha256, flags, others),) = found.events
    assert (data[start:end], line_no, kind, flags) == (line[:-1], 12, "good", 0)
    assert sha256 == hashlib.sha256(line[:-1]).digest()
    names = [*(name for name in EVENT_COLUMNS if name != "kind"), *PARSER.promoted]
    assert dict(zip(names, others, strict=True))["level"] == 7


def test_a_byte_order_mark_counts_only_at_the_start_of_the_segment() -> None:
    """IN-08, M39: skipped and accounted at byte 0, a dead letter elsewhere."""
    data = b"\xef\xbb\xbf" + good(1)

    first = PARSER.parse(block(data))
    later = PARSER.parse(block(data, start=100))

    assert [filler.kind for filler in first.fillers] == [FillerKind.BOM]
    assert [event[0] for event in first.events] == [3]
    assert [letter.verdict.reason for letter in later.dead_letters] == ["bom"]


def test_nuls_before_a_line_are_skipped_and_counted() -> None:
    """M35: the hole of a writer without O_APPEND is a filler, the line behind it an event."""
    found = PARSER.parse(block(b"\0" * 50 + good(1)))

    assert [(each.start, each.end, each.kind) for each in found.fillers] == [
        (0, 50, FillerKind.NUL)
    ]
    assert [event[0] for event in found.events] == [50]


def test_the_carriage_return_of_a_line_stays_in_its_bytes() -> None:
    """M38: a CRLF line is an event whose raw bytes keep the carriage return."""
    data = good(1)[:-1] + b"\r\n"

    found = PARSER.parse(block(data))

    assert [data[event[0] : event[1]] for event in found.events] == [data[:-1]]


def test_blank_lines_that_follow_each_other_are_one_filler() -> None:
    """M52: a million blank lines are not a million rows."""
    found = PARSER.parse(block(b"\n \n\t\r\n" + good(1) + b"\n"))

    assert [(each.start, each.end) for each in found.fillers] == [
        (0, 6),
        (6 + len(good(1)), 7 + len(good(1))),
    ]


def test_a_last_line_without_newline_is_an_event_with_a_flag() -> None:
    """M23: complete but for its newline, the line of a finished log is stored."""
    found = PARSER.parse(block(good(1)[:-1]))

    assert [event[5] for event in found.events] == [Flag.NO_NEWLINE]
    assert found.next_line == 1


def test_a_last_line_that_breaks_off_is_torn() -> None:
    """M23: what is no event at the end of a finished log broke off there."""
    data = good(1)[:-9]

    found = PARSER.parse(block(data))

    (letter,) = found.dead_letters
    assert letter.verdict.reason == "torn"
    assert (letter.verdict.column, letter.has_newline) == (len(data), False)


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_costs_no_other(line: bytes) -> None:
    """IN-05, IN-06, IN-09: each bad line is one dead letter between two events."""
    found = PARSER.parse(block(good(1) + line + b"\n" + good(2)))

    assert len(found.events) == 2
    (letter,) = found.dead_letters
    assert letter.sha256 == hashlib.sha256(line).digest()


def test_a_lenient_log_keeps_what_a_strict_one_refuses_with_a_flag() -> None:
    """M39, M42, M47: lenient logs accept repeated keys, lone surrogates and marks in mid-file."""
    data = good(0) + b'{"a":1,"a":2}\n{"a":"\\ud800"}\n\xef\xbb\xbf{"a":1}\n'

    found = LENIENT.parse(block(data))

    assert [Flag(event[5]) for event in found.events] == [
        Flag(0),
        Flag.DUPLICATE_KEY,
        Flag.LONE_SURROGATE,
        Flag.BOM,
    ]


def test_what_the_schema_refuses_is_stored_with_a_finding() -> None:
    """A schema is recorded, never enforced: the event is there, flagged."""
    found = PARSER.parse(block(good(1, level=10)))

    assert [Flag(event[5]) for event in found.events] == [Flag.SCHEMA_INVALID]
    ((start, schema, message),) = found.findings
    assert (start, schema) == (0, "plain.event/1")
    assert message.startswith("level: ")


def test_a_schema_that_cannot_judge_an_event_says_so() -> None:
    """An integer of 5,000 digits is too much for the schema's engine, and no reason to stop."""
    found = PARSER.parse(block(b'{"level":' + b"9" * 5000 + b"}\n"))

    assert len(found.events) == 1


def test_a_pack_without_schema_finds_nothing() -> None:
    """No schema, no finding, no flag."""
    without = parser(type(PLAIN)(name="x", version=1, title="x", fields=PLAIN.fields))

    found = without.parse(block(good(1, level=10)))

    assert found.findings == []
    assert [event[5] for event in found.events] == [0]


@given(lines=st.integers(0, 3 * BLOCK_LINES_MAX), is_ended=st.booleans())
def test_a_block_of_short_lines_is_divided_without_a_gap(lines: int, *, is_ended: bool) -> None:
    """Invariant 12: no part has more than its share of lines, and the parts tile the block."""
    data = b"{}\n" * lines + (b"" if is_ended else b"{}")
    whole = block(data, start=7, first_line=3)

    parts = list(parts_of(whole))

    assert b"".join(part.data for part in parts) == data
    assert all(part.data.count(b"\n") <= BLOCK_LINES_MAX for part in parts)
    assert [part.start for part in parts] == [
        7 + sum(len(each.data) for each in parts[:place]) for place in range(len(parts))
    ]
    assert [part.first_line for part in parts] == [
        3 + data.count(b"\n", 0, part.start - 7) for part in parts
    ]
    assert [part.is_final for part in parts[:-1]] == [False] * (len(parts) - 1)


def test_a_block_is_divided_wherever_its_newlines_stand() -> None:
    """One long line beside many short ones leaves no part empty, and is in one part."""
    short, long = b"\n" * (2 * BLOCK_LINES_MAX), b"x" * 500_000 + b"\n"

    for data in (short + long, long + short, long + long, long[:-1]):
        parts = list(parts_of(block(data)))

        assert b"".join(part.data for part in parts) == data
        assert all(part.data for part in parts)
        assert max(part.data.count(b"\n") for part in parts) <= BLOCK_LINES_MAX
        assert sum(len(part.data) > BLOCK_BYTES_MAX for part in parts) == data.count(b"x" * 500_000)


@given(sizes=st.lists(st.integers(0, 3 * BLOCK_BYTES_MAX), max_size=8))
def test_a_part_has_no_more_bytes_than_its_share_but_for_one_line(sizes: list[int]) -> None:
    """Every line is in one part, and whatever fits is together."""
    data = b"".join(b"x" * size + b"\n" for size in sizes)

    parts = list(parts_of(block(data)))

    assert b"".join(part.data for part in parts) == data
    for part in parts:
        assert part.data.endswith(b"\n")
        assert len(part.data) <= BLOCK_BYTES_MAX or part.data.count(b"\n") == 1


def test_other_pieces_pass_through_undivided() -> None:
    """Only blocks are divided."""
    tail = Tail(start=block(b"").start, line=block(b"").first_line, length=3)
    small = block(good(1))

    assert list(divided([small, tail])) == [small, tail]
