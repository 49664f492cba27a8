"""A hostile log: each line has its fate, nothing crashes, nothing steers the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place, good, goods

from .conftest import Command
from .hostile_lines import BLANK, EVENT, LINES, content
from .processes import environment, evidentia

MEBIBYTE = 1024 * 1024
RSS_BYTES_MAX = 400 * MEBIBYTE
FIRST_LINE = 2
READING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("verify", "--deep"),
    ("doctor",),
    ("events", "--limit", "500"),
    ("query", "--list"),
    *(
        ("query", name, "since=0001-01-01")
        for name in ("recent", "security", "report_kinds", "report_actors", "report_rooms")
    ),
    ("report", "daily", "2026-01-01", "--pack", "world"),
    ("report", "weekly", "--pack", "world"),
    ("report", "monthly", "--pack", "world"),
    ("dead-letters", "list", "--limit", "500"),
    ("dead-letters", "retry", "--all"),
    ("recover",),
    ("packs",),
)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store of the hostile log, filled by the command line, and the log's copy under its name."""
    place = Place(folder=tmp_path_factory.mktemp("hostile"))
    place.write("hostile.jsonl", content())
    done = evidentia(
        *("--db", "s.db", "ingest", "--pack", "world", "--log", "hostile.jsonl"),
        folder=place.folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return place


@pytest.mark.parametrize(
    ("number", "fate", "line"),
    [
        pytest.param(number, fate, line, id=f"{row}-{number}")
        for number, (row, fate, line) in enumerate(LINES, FIRST_LINE)
    ],
)
def test_each_line_is_what_it_must_be(hostile: Place, number: int, fate: str, line: bytes) -> None:
    """M38 to M55: an event with its exact bytes, a dead letter with its true reason, or blank."""
    events = hostile.rows("SELECT raw FROM event_rows WHERE line_no = ?", number)
    letters = hostile.rows("SELECT reason, raw FROM dead_letter_rows WHERE line_no = ?", number)

    expected_events = [(line,)] if fate == EVENT else []
    expected_letters = [] if fate in (EVENT, BLANK) else [(fate, line)]
    assert (events, letters) == (expected_events, expected_letters)


def test_the_hostile_log_comes_back_byte_for_byte(hostile: Place, tmp_path: Path) -> None:
    """IN-25: whatever the lines hold."""
    done = evidentia(
        *("--db", hostile.store.path, "export", "raw", "1", "--output", tmp_path / "copy"),
        folder=tmp_path,
    )

    assert done.returncode == 0
    assert (tmp_path / "copy").read_bytes() == content()


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("shape", ["page", "json"])
def test_no_reading_command_is_steered_or_stopped(
    hostile: Place, command: Command, words: tuple[str, ...], shape: str
) -> None:
    """M60: every command works over the hostile store, and prints no raw control character."""
    options = ("--json",) if shape == "json" else ()

    done = command("--db", "s.db", *options, *words, folder=hostile.folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert not _CONTROL.search(done.stdout)
    if shape == "json":
        assert done.stdout.isascii()
        assert isinstance(json.loads(done.stdout), dict)


def test_every_line_can_be_explained_and_every_dead_letter_shown(
    hostile: Place, command: Command
) -> None:
    """M60: line by line, for people and as JSON."""
    lines = [("explain", f"hostile.jsonl:{n}") for n in range(1, len(LINES) + FIRST_LINE + 1)]
    ids = [("dead-letters", "show", *row) for row in hostile.rows("SELECT id FROM dead_letters")]

    for words in (*lines, *ids):
        page = command("--db", "s.db", *words, folder=hostile.folder)
        as_json = command("--db", "s.db", "--json", *words, folder=hostile.folder)

        assert (page.returncode, as_json.returncode) == (0, 0)
        assert not _CONTROL.search(page.stdout + page.stderr + as_json.stdout)
        assert isinstance(json.loads(as_json.stdout), dict)


def test_filters_with_hostile_values_find_what_they_name(hostile: Place, command: Command) -> None:
    """M60: a kind full of escapes can be asked for, and bytes that are no text are refused."""
    events = [line for row, fate, line in LINES if (row, fate) == ("M60", EVENT)]
    for line in events:
        who = json.loads(line)["actor"]

        done = command("--db", "s.db", "--json", "events", f"--actor={who}", folder=hostile.folder)

        assert who in {event["actor"] for event in json.loads(done.stdout)["events"]}
    odd = command("--db", "s.db", "events", "--kind", "\udcff", folder=hostile.folder)
    assert (odd.returncode in (0, 3), "Traceback" in odd.stderr) == (True, False)


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("M40 UTF-16", '{"a":1}\n'.encode("utf-16") * 9, "UTF-16"),
        ("M40 UTF-32", ('{"a":1}\n' * 9).encode("utf-32-le"), "UTF-32"),
        ("M51 pretty-printed", b'{\n  "a": 1,\n  "b": 2\n}\n' * 9, "pretty-printed"),
        ("M51 JSON array", b'[\n  {"a": 1},\n  {"a": 2}\n]\n', "a JSON array"),
        ("M51 CSV", b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n", "comma-separated"),
    ],
)
def test_another_format_is_one_error_with_advice(
    tmp_path: Path, command: Command, name: str, data: bytes, word: str
) -> None:
    """M40, M51, IN-26: recognised by the first bytes, refused with the command that converts it."""
    (tmp_path / f"{name}.json").write_bytes(data)

    done = command(
        *("--db", "s.db", "ingest", "--pack", "world", "--log", f"{name}.json"), folder=tmp_path
    )

    assert done.returncode == 3
    assert word in done.stderr
    assert "  fix: convert it" in done.stderr
    assert "0 dead letters" in done.stdout


@pytest.mark.parametrize(
    "data", [b"", b"\n" * 1_000, b" \t \n" * 100], ids=["empty", "lines", "spaces"]
)
def test_nothing_is_nothing(tmp_path: Path, data: bytes) -> None:
    """M52: no event, every byte accounted for."""
    place = Place(folder=tmp_path)
    place.write("a.jsonl", data)

    report = place.ingest("a.jsonl")

    assert (report.events, report.dead_letters, report.bytes_read) == (0, 0, len(data))
    assert place.verify().findings == ()


@pytest.mark.parametrize(
    "name",
    [
        "with space.jsonl",
        "new\nline.jsonl",
        "-leading.jsonl",
        "*?[x].jsonl",
        "\x1b[2J.jsonl",
        "x" * 249 + ".jsonl",
        "\udcff\udcfe.jsonl",
        "größe 😀.jsonl",
    ],
    ids=ascii,
)
def test_any_name_works_and_is_printed_escaped(tmp_path: Path, command: Command, name: str) -> None:
    """M56: spaces, newlines, invalid UTF-8, 255 bytes, a leading dash, wildcards."""
    (tmp_path / name).write_bytes(goods(2) + b"bad\n")

    ingested = command(
        *("--db", "s.db", "ingest", "--pack", "world", f"--log={tmp_path / name}"), folder=tmp_path
    )
    outputs = [
        command("--db", "s.db", *words, folder=tmp_path)
        for words in (("status",), ("verify", "--deep"), ("explain", f"{tmp_path / name}:3"))
    ]

    assert ingested.returncode == 0
    assert [each.returncode for each in outputs] == [0, 0, 0]
    assert "dead letter" in outputs[2].stdout
    assert not any(_CONTROL.search(each.stdout + each.stderr) for each in (ingested, *outputs))


MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "evidentia", *sys.argv[1:]], capture_output=True)
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
print(json.dumps({"status": done.returncode, "peak": peak, "out": done.stdout.decode()}))
"""


def measured(*arguments: object, folder: Path) -> dict[str, object]:
    """Status, output and the largest resident size of the command and its workers."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, arguments)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def long_line(path: Path) -> None:
    """Two events around one line of 100 MB."""
    with path.open("wb") as file:
        file.write(good(0) + b'{"a":"')
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + good(1))


def long_array(path: Path) -> None:
    """A line of 100 MB that would take ten times that much memory to parse."""
    with path.open("wb") as file:
        file.write(good(0) + b'{"a":[')
        for _ in range(1_000):
            file.write(b"1," * 50_000)
        file.write(b"1]}\n" + good(1))


def no_newline(path: Path) -> None:
    """100 MB without an end."""
    with path.open("wb") as file:
        file.write(good(0) + good(1))
        for _ in range(100):
            file.write(b"y" * 1_000_000)


def dense(path: Path) -> None:
    """The shortest events there are."""
    path.write_bytes(b"{}\n" * 60_000)


def holes(path: Path) -> None:
    """M35: a sparse hole of 100 MB between two events."""
    with path.open("wb") as file:
        file.write(good(0))
        file.seek(100_000_000, 1)
        file.write(good(1))


@pytest.mark.parametrize(
    ("make", "events", "letters"),
    [
        (long_line, 2, 1),
        (long_array, 2, 1),
        (no_newline, 2, 0),
        (dense, 60_000, 0),
        (holes, 2, 0),
    ],
    ids=["line", "array", "no newline", "dense", "hole"],
)
def test_memory_stays_bounded_whatever_the_log_holds(
    tmp_path: Path, make: Callable[[Path], None], events: int, letters: int
) -> None:
    """M45, invariant 12: at most 400 MiB for reading, verifying and giving back 100 MB."""
    path = tmp_path / "a.jsonl"
    make(path)

    ingested = measured(
        *("--db", "s.db", "--json", "ingest", "--pack", "world", "--log", path), folder=tmp_path
    )
    verified = measured("--db", "s.db", "verify", "--deep", folder=tmp_path)
    exported = measured("--db", "s.db", "export", "raw", "1", "-o", "copy", folder=tmp_path)

    found = json.loads(str(ingested["out"]))
    assert (found["events"], found["dead_letters"]) == (events, letters)
    assert [each["status"] for each in (ingested, verified, exported)] == [0, 0, 0]
    peaks = [each["peak"] for each in (ingested, verified, exported)]
    assert all(isinstance(peak, int) and peak < RSS_BYTES_MAX for peak in peaks), peaks
    checkpoint = found["logs"][0]["checkpoint"]
    with path.open("rb") as log, (tmp_path / "copy").open("rb") as copy:
        assert log.read(checkpoint) == copy.read()
