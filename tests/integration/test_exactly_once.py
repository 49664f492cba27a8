"""Every line once: replays, growth in steps cut anywhere, replacements, a writer at work."""

from __future__ import annotations

import bz2
import gzip
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.ingest.kit import BAD_LINES, Place, good, goods, is_tiled

from evidentia.export.raw import export_raw
from evidentia.ingest.values import IngestOptions, Outcome
from evidentia.log.values import Limits

from .processes import evidentia, tiling

LINES = st.one_of(
    st.integers(0, 999).map(good),
    st.sampled_from([line + b"\n" for line in BAD_LINES]),
    st.sampled_from([b"\n", b" \t\r\n", b"\0\0\0" + good(5), good(6)[:-1] + b"\r\n"]),
    st.just(b"x" * 400 + b"\n"),
)
LOGS = st.lists(LINES, min_size=1, max_size=14).map(lambda lines: b"{}\n" + b"".join(lines))


def fill(place: Place) -> None:
    """Logs of every sort: growing, torn, packed, hostile, of two packs."""
    bad = b"".join(line + b"\n" for line in BAD_LINES)
    place.write("a.jsonl", goods(50) + bad + b"\n\n" + goods(5, 50) + b'{"torn')
    place.write("b.jsonl", b"\xef\xbb\xbf\0\0" + goods(9, 100) + good(1, level=99))
    place.write("c.jsonl.gz", gzip.compress(goods(20, 200)))
    place.write("d.jsonl.bz2", bz2.compress(goods(20, 300) + bad))
    place.write("e.jsonl.gz", gzip.compress(goods(900, 400))[:-100])


def test_a_second_run_changes_no_byte_but_of_runs(place: Place) -> None:
    """IN-18, CT-04: a dump of the whole store is the same, the table of runs aside."""
    fill(place)
    place.ingest("*.jsonl*")
    place.write("o.log", b'{"shade":"dark"}\n')
    place.ingest("o.log", pack="other")
    before = place.dump("runs")

    for options in (place.options, IngestOptions(jobs=2), IngestOptions(batch_events=1)):
        place.ingest("*.jsonl*", options=options)
        place.ingest("o.log", pack="other", options=options)

    assert place.dump("runs") == before
    assert len(place.dump()["runs"]) == 8


def test_a_second_command_changes_no_byte_but_of_runs(place: Place) -> None:
    """IN-18, CT-04: the same through the command line, each run a process of its own."""
    fill(place)
    command = ("--db", "s.db", "ingest", "--pack", "world", "--log", "*.jsonl*")

    first = evidentia(*command, folder=place.folder)
    before = place.dump("runs")
    second = evidentia(*command, folder=place.folder)
    third = evidentia(*command, "--jobs", "2", folder=place.folder)

    assert (first.returncode, second.returncode, third.returncode) == (0, 0, 0)
    assert place.dump("runs") == before
    assert len(place.dump()["runs"]) == 3


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    log=LOGS,
    cuts=st.lists(st.floats(0, 1), min_size=17, max_size=17),
    batches=st.lists(st.sampled_from([1, 3, 50_000]), min_size=18, max_size=18),
    block_bytes=st.sampled_from([300, 1_000, 1 << 20]),
)
def test_growth_in_eighteen_steps_cut_at_any_byte_is_one_pass(
    tmp_path: Path, log: bytes, cuts: list[float], batches: list[int], block_bytes: int
) -> None:
    """Invariant 10: whatever was there at each poll, the store ends like that of one pass."""
    for path in tmp_path.iterdir():
        path.unlink()
    limits = Limits(line_bytes_max=300, block_bytes=block_bytes)
    place = Place(folder=tmp_path, options=IngestOptions(jobs=0, limits=limits))
    once = replace(place, name="once.db")
    place.write("once.jsonl", log)
    ends = sorted(round(cut * len(log)) for cut in cuts)

    once.ingest("once.jsonl")
    place.write("grows.jsonl", b"")
    for begin, end, batch_events in zip([0, *ends], [*ends, len(log)], batches, strict=True):
        place.append("grows.jsonl", log[begin:end])
        place.ingest("grows.jsonl", options=replace(place.options, batch_events=batch_events))

    assert place.digest() == once.digest()
    assert is_tiled(tiling(place), len(log))
    assert place.verify().findings == ()


def test_growth_in_steps_with_workers_is_one_pass(place: Place) -> None:
    """Invariant 10: polls with other numbers of processes and batch sizes give one store."""
    log = b"".join(good(n) if n % 7 else BAD_LINES[n % 10] + b"\n" for n in range(4_000))
    once = replace(place, name="once.db")
    place.write("once.jsonl", log)
    once.ingest("once.jsonl")

    place.write("grows.jsonl", b"")
    for step, jobs in enumerate((0, 2, 1, 3, 0)):
        place.append("grows.jsonl", log[step * len(log) // 5 : (step + 1) * len(log) // 5])
        place.ingest("grows.jsonl", options=IngestOptions(jobs=jobs, batch_events=10 + step * 500))

    assert place.digest() == once.digest()


@pytest.mark.parametrize("cut", range(0, len(good(2)), 9))
def test_a_torn_line_is_no_row_and_one_when_it_is_complete(place: Place, cut: int) -> None:
    """IN-01, IN-20, M21: no row and no dead letter before, one row at its own byte after."""
    line = good(2)
    place.write("a.jsonl", goods(2) + line[:cut])

    before = [place.ingest("a.jsonl") for _ in range(3)]
    place.append("a.jsonl", line[cut:] + good(3))
    place.ingest("a.jsonl")

    assert [report.events for report in before] == [2, 0, 0]
    assert place.rows("SELECT id % (1 << 40), line_no FROM event_rows ORDER BY id") == [
        (0, 1),
        (len(good(0)), 2),
        (len(goods(2)), 3),
        (len(goods(3)), 4),
    ]
    assert place.rows("SELECT * FROM dead_letter_rows") == []


@pytest.mark.parametrize(
    "second",
    [goods(20, 500), goods(3, 500), goods(90, 500)],
    ids=["equal size", "smaller", "larger"],
)
@pytest.mark.parametrize("is_rewritten", [True, False], ids=["same inode", "other inode"])
def test_a_replaced_file_is_the_next_segment_and_both_are_kept(
    place: Place, second: bytes, *, is_rewritten: bool
) -> None:
    """IN-02, IN-03, M24: every line of both contents is stored, at its own position."""
    first = goods(20, 300)
    path = place.write("a.jsonl", first)
    place.ingest("a.jsonl")

    if is_rewritten:
        path.write_bytes(second)
    else:
        place.write("new", second).rename(path)
    place.ingest("a.jsonl")

    assert place.raws() == [*first.split(b"\n")[:-1], *second.split(b"\n")[:-1]]
    assert place.rows("SELECT state FROM segments ORDER BY id") == [("replaced",), ("live",)]


@pytest.mark.parametrize("line", [b"[1,2]", b"12", b'"text"', b"null", b"true"])
def test_json_that_is_no_object_is_one_dead_letter(place: Place, line: bytes) -> None:
    """IN-05: the rest of the file is stored."""
    place.write("a.jsonl", goods(3) + line + b"\n" + goods(3, 3))

    place.ingest("a.jsonl")

    assert place.rows("SELECT reason, raw, line_no FROM dead_letter_rows") == [
        ("not_object", line, 4)
    ]
    assert len(place.raws()) == 6


def test_values_that_broke_others_break_nothing(place: Place) -> None:
    """IN-06, IN-28: an id that is an object or huge, surrogates, bad UTF-8, nesting, NULs."""
    stored = [
        b'{"id":{"a":1},"kind":"good"}',
        b'{"id":18446744073709551617,"kind":"good"}',
        b'{"id":"\\u0000","\\u0000":"x","kind":"a\\u0000b"}',
        b'{"a":' + b"[" * 150 + b"]" * 150 + b"}",
    ]
    refused = [
        b'{"id":"\\ud800"}',
        b'{"id":"\xff"}',
        b'{"id":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ]
    mixed = [line for pair in zip(stored, [*refused, b""], strict=True) for line in pair]
    place.write("a.jsonl", b"".join(line + b"\n" + good(1) for line in mixed))

    place.ingest("a.jsonl")

    letters = place.rows("SELECT reason, raw FROM dead_letter_rows ORDER BY id")
    assert [raw for raw in place.raws() if raw != good(1)[:-1]] == stored
    assert letters == [
        ("lone_surrogate", refused[0]),
        ("not_utf8", refused[1]),
        ("depth", refused[2]),
    ]


def test_bad_lines_are_seen_and_strict_makes_them_a_finding(place: Place) -> None:
    """IN-07: counted and visible by default; --strict ends with a status other than 0."""
    place.write("a.jsonl", goods(3) + b"bad\n")
    command = ("--db", "s.db", "ingest", "--pack", "world", "--log", "a.jsonl")

    strict = evidentia(*command, "--strict", folder=place.folder)

    assert "1 dead letter" in strict.stdout
    assert strict.returncode == 1


def test_a_mark_at_the_start_costs_no_line(place: Place) -> None:
    """IN-08, M39: skipped, accounted, and the first event is stored."""
    place.write("a.jsonl", b"\xef\xbb\xbf" + goods(2))

    place.ingest("a.jsonl")

    assert place.raws() == goods(2).split(b"\n")[:-1]
    assert place.rows("SELECT kind, length FROM fillers") == [("bom", 3)]
    assert place.rows("SELECT bom_bytes FROM batches") == [(3,)]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400"])
def test_numbers_that_json_has_not_are_dead_letters(place: Place, number: bytes) -> None:
    """IN-09, M48: the reason is the number."""
    place.write("a.jsonl", goods(1) + b'{"a":' + number + b"}\n")

    place.ingest("a.jsonl")

    assert place.rows("SELECT reason FROM dead_letter_rows") == [("number",)]


def test_a_writer_that_appends_during_every_read_loses_and_doubles_nothing(place: Place) -> None:
    """IN-10: 10,000 lines appended in pieces of any size while ingest runs again and again."""
    data = b"".join(good(number, pad="x" * (number % 90)) for number in range(10_000))
    path = place.write("a.jsonl", b"")
    is_done = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as log:
            for start in range(0, len(data), 3_001):
                log.write(data[start : start + 3_001])
                time.sleep(0.001)
        is_done.set()

    writer = threading.Thread(target=write)
    writer.start()
    runs = 0
    while not is_done.is_set():
        place.ingest("a.jsonl", options=IngestOptions(jobs=0, batch_events=200))
        runs += 1
    writer.join()
    place.ingest("a.jsonl")

    assert runs > 5
    assert place.raws() == data.split(b"\n")[:-1]
    assert is_tiled(tiling(place), len(data))
    assert place.verify().findings == ()


def test_one_file_under_many_names_is_one_log(place: Place) -> None:
    """IN-11, M20: relative, absolute, linked, hard-linked and doubly globbed names."""
    path = place.write("a.jsonl", goods(5))
    (place.folder / "sub").mkdir()
    (place.folder / "link.jsonl").symlink_to(path)
    (place.folder / "hard.jsonl").hardlink_to(path)

    first = place.ingest("a.jsonl", "*.jsonl", "sub/../a.jsonl", "a.jsonl", "./a.jsonl")
    second = place.ingest("link.jsonl", "hard.jsonl")

    assert (len(first.files), len(second.files)) == (1, 1)
    assert (len(place.raws()), second.files[0].outcome) == (5, Outcome.UNCHANGED)


def test_every_row_stands_at_the_first_byte_of_its_line(place: Place) -> None:
    """IN-12: byte_offset and line_no are those of the file, after blanks, bad lines and resumes."""
    parts = [
        b"\xef\xbb\xbf" + goods(2),
        b"\n \n" + good(2) + b"bad\n",
        b"\0\0" + good(3) + good(4)[:-1],
        b"\r\n" + good(5),
    ]
    for part in parts:
        place.append("a.jsonl", part)
        place.ingest("a.jsonl")
    data = b"".join(parts)

    rows = place.rows("SELECT id % (1 << 40), line_no, raw FROM event_rows ORDER BY id")

    assert len(rows) == 6
    for byte_offset, line_no, raw in rows:
        assert data[byte_offset : byte_offset + len(raw)] == raw
        assert data.count(b"\n", 0, byte_offset) + 1 == line_no
        assert byte_offset in (3, 5) or data[byte_offset - 1] in b"\n\0"


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        (b'{"a":1,}', "syntax", 8),
        (b'{"a":1} x', "syntax", 9),
        (b'{"a":1,"a":2}', "duplicate_key", 8),
        (b'{"a":"\xff"}', "not_utf8", 7),
        (b'{"a":NaN}', "number", 6),
        (b"[]", "not_object", 1),
        (b'{"a":"\x07"}', "control", 7),
    ],
)
def test_a_dead_letter_names_the_rule_and_the_byte(
    place: Place, line: bytes, reason: str, column: int
) -> None:
    """IN-17: the reason is the rule that failed, the column the byte where it failed."""
    place.write("a.jsonl", goods(1) + line + b"\n")

    place.ingest("a.jsonl")

    assert place.rows("SELECT reason, column_no FROM dead_letter_rows") == [(reason, column)]


@pytest.mark.parametrize("good_lines", [0, 1, 7, 500])
@pytest.mark.parametrize("bad_lines", [1, 10, 1_000])
def test_bad_lines_give_as_many_dead_letters(place: Place, good_lines: int, bad_lines: int) -> None:
    """IN-19, IN-24: in every mix, in one run and in steps, with tiny batches."""
    lines = [b"bad %d\n" % number for number in range(bad_lines)]
    lines[1:1] = [good(number) for number in range(good_lines)]
    if not good_lines:
        lines.append(b"{}\n")
    data = b"".join(lines)

    place.write("a.jsonl", data[: len(data) // 2])
    place.ingest("a.jsonl", options=IngestOptions(jobs=0, batch_events=3))
    place.append("a.jsonl", data[len(data) // 2 :])
    place.ingest("a.jsonl", options=IngestOptions(jobs=0, batch_events=3))

    assert place.rows("SELECT count(*) FROM dead_letter_rows") == [(bad_lines,)]
    assert len(place.raws()) == max(1, good_lines)


def test_a_file_of_bad_lines_alone_is_stored(place: Place) -> None:
    """IN-24: 1,000 bad lines and no good one are 1,000 dead letters, and their bytes come back."""
    data = b"".join(b"bad line %d\n" % number for number in range(1_000))
    place.write("a.jsonl", data)

    report = place.ingest("a.jsonl")

    assert (report.events, report.dead_letters) == (0, 1_000)
    assert exported(place) == data


def exported(place: Place) -> bytes:
    """The first segment, given back from the store."""
    parts: list[bytes] = []
    with place.store.reader() as reader:
        export_raw(reader, reader.segments()[0], parts.append, place.options.limits)
    return b"".join(parts)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "packed"])
def test_what_was_read_comes_back_byte_for_byte(
    place: Place, pack: Callable[[bytes], bytes]
) -> None:
    """IN-25, invariant 3: raw export of every segment equals the (decompressed) file."""
    data = b"\xef\xbb\xbf" + b"".join(
        line + ending
        for line in (*BAD_LINES, good(1)[:-1], b"", b"\0\0")
        for ending in (b"\n", b"\r\n")
    )
    place.write("a.jsonl", pack(data))

    place.ingest("a.jsonl")

    assert exported(place) == data


def test_only_the_bytes_behind_the_checkpoint_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-21: resuming reads head, anchor and what is new, whatever the file's size."""
    import os  # noqa: PLC0415 - only here

    place.write("a.jsonl", goods(20_000))
    place.ingest("a.jsonl")
    place.append("a.jsonl", good(1))
    read: list[int] = []
    original = os.read

    def counting(descriptor: int, size: int) -> bytes:
        data = original(descriptor, size)
        read.append(len(data))
        return data

    monkeypatch.setattr("evidentia.log.opening.os.read", counting)
    report = place.ingest("a.jsonl")

    assert report.events == 1
    assert sum(read) < 8_000


def test_times_that_say_the_same_sort_as_equal(place: Place) -> None:
    """SC-02: three spellings of one instant are one microsecond."""
    times = [
        "2026-01-01T12:00:00Z",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T12:00:00.000000+00:00",
    ]
    place.write("a.jsonl", b"".join(json.dumps({"ts": ts}).encode() + b"\n" for ts in times))

    place.ingest("a.jsonl")

    assert len(place.rows("SELECT DISTINCT ts FROM event_rows")) == 1
