"""On a terminal of 80 columns nothing is wider, and a bar shows progress."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.ingest.kit import goods

from evidentia.cli import progress
from evidentia.cli.output import Output
from evidentia.cli.terminal import Terminal

from .conftest import HOSTILE, LOGS

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(
    *arguments: object, folder: Path, columns: int = 80, **environment: str
) -> tuple[int, str]:
    """The status of a command and what it printed on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    plain = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    path = os.pathsep.join(each for each in sys.path if each)
    process = subprocess.Popen(
        [sys.executable, "-m", "evidentia", *map(str, arguments)],
        cwd=folder,
        env={**plain, "PYTHONPATH": path, "TERM": "xterm-256color", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    printed = b"".join(_until_closed(ours))
    os.close(ours)
    return process.wait(), printed.decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:
            return
        if not data:
            return
        yield data


def widest(printed: str) -> str:
    """The longest line as a terminal shows it."""
    return max(re.split(r"[\r\n]+", _ESCAPE.sub("", printed)), key=len)


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("verify", "--deep"),
        ("recover",),
        ("doctor",),
        ("packs",),
        ("query", "--list"),
        ("query", "sessions", "since=2026-01-01"),
        ("query", "recent", "since=2026-01-01"),
        ("events",),
        ("explain", f"{HOSTILE}:1"),
        ("explain", f"{HOSTILE}:11"),
        ("report", "daily", "2026-01-01", "--pack", "cowrie"),
        ("report", "monthly", "2026-01", "--pack", "world"),
        ("dead-letters", "list"),
        ("dead-letters", "show", str((1 << 40) + 61)),
        ("--help",),
        ("ingest", "--help"),
        ("dead-letters", "resolve", "--help"),
        ("ingest",),
        ("explain", "no-line"),
        ("ingest", "--pack", "world", "--log", str(LOGS / "world" / "*"), "--db", "new.db"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_nothing_is_wider_than_the_terminal(store: Path, words: tuple[str, ...]) -> None:
    """Tables are fitted and sentences broken between words."""
    status, printed = on_terminal("--db", store, *words, folder=store.parent)

    assert status in (0, 2)
    assert len(widest(printed)) <= 80, widest(printed)


def test_no_colour_on_a_terminal_that_wants_none(store: Path) -> None:
    """``NO_COLOR`` is honoured where colour is the default."""
    colourful = on_terminal("--db", store, "status", folder=store.parent)[1]
    plain = on_terminal("--db", store, "status", folder=store.parent, NO_COLOR="1")[1]

    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert "\x1b[1m" in colourful
    assert not colours.search(plain)


def test_a_wide_terminal_shows_more(store: Path) -> None:
    """The width is the terminal's own."""
    narrow = on_terminal("--db", store, "events", folder=store.parent)[1]
    wide = on_terminal("--db", store, "events", folder=store.parent, columns=160)[1]

    assert len(widest(narrow)) <= 80 < len(widest(wide)) <= 160


def test_progress_is_shown_while_a_log_is_read(tmp_path: Path) -> None:
    """A bar with the log's name and the events so far, and no trace of it afterwards."""
    (tmp_path / "a.jsonl").write_bytes(goods(20_000))

    status, printed = on_terminal(
        *("--db", "s.db", "ingest", "--pack", "world", "--log", "a.jsonl"), folder=tmp_path
    )

    assert status == 0
    assert "events/s" in printed
    assert "━" in printed


def test_a_bar_counts_bytes_and_events() -> None:
    """What the run tells is what the bar shows; no events, no word of events."""
    from rich.progress import Progress  # noqa: PLC0415 - only here

    bar = Progress(console=Terminal(quiet=True))
    shown = progress.TerminalBar(bar, bar.add_task("reading", total=None, events=""))

    shown.begin(100)
    shown.advance("first\x1b[2J", 30, 0)
    before = bar.tasks[0].fields["events"]
    shown.advance("second", 20, 1_500)

    (task,) = bar.tasks
    assert (task.total, task.completed, before) == (100, 50, "")
    assert (task.description, task.fields["events"]) == ("second", "1,500 events")


def test_a_bar_names_the_summary_that_is_made() -> None:
    """A first rebuild over a large store is no silent wait."""
    from rich.progress import Progress  # noqa: PLC0415 - only here

    bar = Progress(console=Terminal(quiet=True))
    shown = progress.TerminalBar(bar, bar.add_task("reading", total=None, events=""))

    shown.merge("sessions", 7, 1_200)

    (task,) = bar.tasks
    assert (task.description, task.fields["events"]) == ("summary sessions", "batch 7 of 1,200")


def test_there_is_no_bar_where_nobody_watches() -> None:
    """In a pipe, with --json and with --quiet."""
    for output in (Output(), Output(is_json=True), Output(verbosity=-1)):
        with progress.progress_bar(output) as bar:
            bar.begin(1)
            bar.advance("x", 1, 1)
            bar.merge("x", 1, 1)

            assert isinstance(bar, progress.SilentBar)


def test_a_closed_pipe_is_left_to_the_application() -> None:
    """The terminal library would exit by itself, with a status that means a finding."""
    with pytest.raises(BrokenPipeError):
        Terminal().on_broken_pipe()
