"""Help, exit statuses, errors and shared options of the whole command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.ingest.kit import goods
from typer.main import get_command

import evidentia
from evidentia.cli import application
from evidentia.cli.application import APP, exit_status, run
from evidentia.errors import (
    ConfigError,
    EvidentiaError,
    LogMissingError,
    PackError,
    StoreError,
    StoreHeldError,
    UsageError,
)
from evidentia.pack import registry

from .conftest import HOSTILE, Command


def leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command that does something."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


COMMANDS = sorted(leaves(get_command(APP)))


def test_these_are_the_commands() -> None:
    """A command that comes or goes is noticed, here and in the tests below."""
    assert [" ".join(words) for words in COMMANDS] == [
        "dead-letters list",
        "dead-letters resolve",
        "dead-letters retry",
        "dead-letters show",
        "doctor",
        "events",
        "explain",
        "export audit",
        "export raw",
        "follow",
        "ingest",
        "init",
        "ledger append",
        "ledger head",
        "ledger init",
        "ledger keygen",
        "ledger prove",
        "ledger prove-extension",
        "ledger rotate-key",
        "ledger verify",
        "ledger verify-proof",
        "packs",
        "projection check",
        "projection list",
        "projection rebuild",
        "query",
        "recover",
        "report daily",
        "report diff",
        "report monthly",
        "report weekly",
        "status",
        "verify",
    ]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    command: Command, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help names the command, says what it does, and shows it in use."""
    monkeypatch.setenv("COLUMNS", "200")

    result = command(*words, "--help")

    assert (result.status, result.err) == (0, "")
    assert f"Usage: evidentia {' '.join(words)}" in result.out
    assert f"Example: evidentia {' '.join(words)}" in result.out


@pytest.mark.parametrize("words", [(), ("dead-letters",), ("export",), ("report",)])
def test_a_group_shows_its_commands(command: Command, words: tuple[str, ...]) -> None:
    """Without a command there is help, and the status of wrong usage."""
    helped, alone = command(*words, "--help"), command(*words)

    assert (helped.status, alone.status) == (0, 2)
    assert "Commands" in helped.out
    assert alone.out.strip() == helped.out.strip()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_wrong_usage_everywhere(
    command: Command, words: tuple[str, ...]
) -> None:
    """Status 2, the option named, and the way to the help."""
    result = command(*words, "--frobnicate")

    assert result.status == 2
    assert "--frobnicate" in result.err
    assert f"see 'evidentia {' '.join(words)} --help'" in result.err


@pytest.mark.parametrize(
    ("words", "meant"),
    [(("evnts",), "events"), (("dead-letters", "lst"), "list"), (("report", "dayly"), "daily")],
)
def test_a_slip_of_the_keyboard_is_met_with_a_suggestion(
    command: Command, words: tuple[str, ...], meant: str
) -> None:
    """An unknown command names the nearest one."""
    result = command(*words)

    assert result.status == 2
    assert meant in result.err


def test_status_0_is_done(command: Command) -> None:
    """A run that did its work, dead letters and all."""
    assert command("--db", "s.db", "ingest", "--pack", "world", "--log", HOSTILE).status == 0


def test_status_1_is_a_finding(command: Command, store: Path) -> None:
    """CL-01: a check found something: strict ingestion, verify, doctor."""
    strict = command("ingest", "--db", "new.db", "--strict", "--pack", "world", "--log", HOSTILE)
    doctor = command("--config", "absent.toml", "doctor")

    assert store.exists()
    assert (strict.status, doctor.status) == (1, 1)
    assert "WRONG configuration" in doctor.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("ingest", "--log", "x"),
        ("ingest", "--pack", "cowrie"),
        ("ingest",),
        ("ingest", "--jobs", "65", "--log", "x", "--pack", "cowrie"),
        ("ingest", "--log", "x", "--pack", "nothing"),
        ("--config", "absent.toml", "status"),
        ("--store", "postgresql://x", "status"),
        ("--store", "sqlite:///x", "--db", "y", "status"),
        ("explain", "no-line"),
        ("explain", "file:-1"),
        ("query", "absent"),
        ("query", "sessions", "no-value"),
        ("dead-letters", "list", "--state", "odd"),
        ("dead-letters", "retry"),
        ("dead-letters", "retry", "1", "--all"),
        ("dead-letters", "resolve", "1", "--reason", " "),
        ("dead-letters", "show", "9" * 30),
        ("events", "--after-id", "9" * 30),
        ("events", "--limit", "9" * 30),
        ("ingest", "--db"),
    ],
    ids=" ".join,
)
def test_status_2_is_wrong_usage(command: Command, arguments: tuple[str, ...]) -> None:
    """Wrong usage is told on standard error, with a way out, and nothing is made."""
    result = command(*arguments)

    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert "  fix: " in result.err
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--db", "absent.db", "status"),
        ("--db", "absent.db", "verify"),
        ("--db", "absent.db", "events"),
        ("--db", ".", "status"),
        ("--db", "s.db", "ingest", "--log", "absent.jsonl", "--pack", "cowrie"),
    ],
    ids=" ".join,
)
def test_status_3_is_a_failed_operation(command: Command, arguments: tuple[str, ...]) -> None:
    """CL-01: a missing store or log is named and is not success."""
    result = command(*arguments)

    assert result.status == 3
    assert "   at: " in result.err


def test_status_4_is_a_store_that_is_held(command: Command, store: Path) -> None:
    """M33: the holder is named with its process and host."""
    from evidentia.app import load_config, open_workspace  # noqa: PLC0415 - only here
    from evidentia.store.opening import Store  # noqa: PLC0415 - only here

    workspace = open_workspace(load_config(None))
    with Store(path=store).writer(
        list(workspace.packs.values()), command="ingest", clock=lambda: 1, version="0"
    ):
        result = command("--db", store, "recover")

    assert result.status == 4
    assert f"held by process {os.getpid()} on " in result.err


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (EvidentiaError, 3),
        (UsageError, 2),
        (ConfigError, 2),
        (LogMissingError, 3),
        (StoreError, 3),
        (StoreHeldError, 4),
        (PackError, 3),
    ],
)
def test_each_error_has_its_status(kind: type[EvidentiaError], status: int) -> None:
    """What failed decides the status, not where."""
    assert exit_status(kind("x")) == status


def test_an_error_says_what_where_and_how_to_fix_it(command: Command) -> None:
    """Three lines on standard error, nothing on standard output."""
    result = command("--db", "absent.db", "status")

    assert result.err == (
        "error: there is no store here yet\n   at: absent.db\n  fix: run 'evidentia ingest' first\n"
    )


def test_a_traceback_is_shown_on_request_and_never_shows_locals(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CL-08: a traceback has no values of variables, and no control characters."""
    secret = "correct horse battery staple"  # noqa: S105 - the point of the test

    def fail() -> None:
        password = secret
        raise EvidentiaError(f"it broke\x1b[2J after {len(password)} characters")

    monkeypatch.setattr(registry, "load_packs", fail)
    monkeypatch.setattr("evidentia.app.workspace.load_packs", fail)

    quiet, verbose = command("packs"), command("packs", "--verbose")

    assert (quiet.status, verbose.status) == (3, 3)
    assert "Traceback" not in quiet.err
    assert "Traceback (most recent call last)" in verbose.err
    assert secret not in verbose.err
    assert "\x1b" not in quiet.err + verbose.err


def test_a_defect_is_one_message_and_not_a_finding(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 1 would mean that a check found something."""

    def fail() -> None:
        raise KeyError("secret of an event")

    monkeypatch.setattr("evidentia.app.workspace.load_packs", fail)

    plain, verbose, as_json = command("packs"), command("-v", "packs"), command("packs", "--json")

    assert [plain.status, verbose.status, as_json.status] == [3, 3, 3]
    assert plain.err.startswith("error: this is a defect of evidentia (KeyError)")
    assert "secret" not in plain.err
    assert "Traceback" in verbose.err
    assert as_json.object["error"] == "EvidentiaError"


def test_what_the_system_refuses_is_an_error_of_ours(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the operating system names its file."""

    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/etc/shadow")

    monkeypatch.setattr("evidentia.app.workspace.load_packs", fail)

    result = command("packs")

    assert result.status == 3
    assert "the operating system refuses: Permission denied" in result.err
    assert "   at: /etc/shadow" in result.err


def test_an_interrupted_command_says_so(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C outside of ingestion ends at once, with its own status."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("evidentia.app.workspace.load_packs", interrupt)

    result = command("packs")

    assert result.status == 130
    assert result.err.startswith("interrupted; what was committed stays")


@pytest.mark.parametrize("option", ["--version", "-V"])
@pytest.mark.parametrize("others", [(), ("--json",), ("-q",)])
def test_the_version_is_told(command: Command, option: str, others: tuple[str, ...]) -> None:
    """Alone or beside other options."""
    result = command(*others, option)

    assert (result.status, result.out) == (0, f"evidentia {evidentia.__version__}\n")


def test_exit_and_system_exit_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shell completion ends by itself; that is not swallowed."""

    def leave(*_arguments: object, **_options: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(application, "APP", leave)

    with pytest.raises(SystemExit):
        run([])


def process(
    *arguments: object, folder: Path, stdout: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "evidentia", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("events", "--limit", 2_000),
        ("events", "--json"),
        ("query", "--list"),
        ("export", "raw", 1),
        ("status", "--json"),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_a_reader_that_goes_away_is_no_error(store: Path, arguments: tuple[object, ...]) -> None:
    """``| head`` ends the command silently, with the status of a closed pipe."""
    reading, writing = os.pipe()
    os.close(reading)

    done = process("--db", store, *arguments, folder=store.parent, stdout=writing)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize(
    "arguments",
    [
        ("events", "--limit", 2_000),
        ("events", "--json"),
        ("export", "raw", 1),
        ("status",),
        ("--version",),
        ("--help",),
    ],
    ids=lambda arguments: " ".join(map(str, arguments)),
)
def test_a_full_disk_under_standard_output_is_a_failure(
    store: Path, arguments: tuple[object, ...]
) -> None:
    """Status 3 and one message; the interpreter's own complaint does not appear."""
    with Path("/dev/full").open("w") as full:
        done = process("--db", store, *arguments, folder=store.parent, stdout=full.fileno())

    assert done.returncode == 3
    assert done.stderr.startswith("error: the operating system refuses: No space left on device")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_full_disk_does_not_hide_an_error(store: Path) -> None:
    """Where the JSON object cannot be written, the message still can."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which Linux has")

    with Path("/dev/full").open("w") as full:
        done = process("--json", "frobnicate", folder=store.parent, stdout=full.fileno())

    assert done.returncode == 2
    assert done.stderr.startswith("error: No such command 'frobnicate'")


def test_python_dash_m_and_the_version_run_as_processes(tmp_path: Path) -> None:
    """The two doors that are not ``run``."""
    version = process("--version", folder=tmp_path)
    packs = process("packs", folder=tmp_path)

    assert (version.stdout, version.returncode) == (f"evidentia {evidentia.__version__}\n", 0)
    assert packs.stdout.startswith("pack")


def test_asking_for_the_version_imports_nothing_heavy(tmp_path: Path) -> None:
    """Scripts ask often: no terminal library, no database library, no log is loaded."""
    code = (
        "import sys; sys.argv = ['evidentia', '--version']\n"
        "from evidentia.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'typer', 'rich', 'sqlalchemy', 'msgspec'} & sys.modules.keys()))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[1] == "[]"


def test_quiet_prints_errors_only(command: Command, store: Path) -> None:
    """Nothing on either stream when all is well; problems still show."""
    Path("a.jsonl").write_bytes(goods(3))

    well = [
        command("-q", "--db", store, *words)
        for words in (
            ("status",),
            ("verify",),
            ("events",),
            ("query", "recent"),
            ("packs",),
            ("doctor",),
            ("report", "daily", "--pack", "cowrie"),
            ("dead-letters", "list"),
            ("ingest", "--pack", "world", "--log", "a.jsonl"),
        )
    ]
    wrong = command("--quiet", "--db", "absent.db", "status")

    assert [(each.out, each.err) for each in well] == [("", "")] * len(well)
    assert wrong.err.startswith("error: ")


@pytest.mark.parametrize("name", ["NO_COLOR", "FORCE_COLOR"])
def test_colour_is_used_when_it_is_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """``NO_COLOR`` is honoured, and so is its opposite."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "1")

    result = command("--db", "absent.db", "status")

    assert ("\x1b[" in result.err) == (name == "FORCE_COLOR")
