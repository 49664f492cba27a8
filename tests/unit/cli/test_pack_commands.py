"""Commands of packs: found late, shown, run, and refused as evidentia's own are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.pack.registry import load_packs

from .conftest import CHECKOUT, Command

MODULE = '''\
from enum import Enum
from typing import Annotated
from evidentia.errors import UsageError
from evidentia.event.envelope import Draft
from evidentia.event.fieldmap import FieldMap
from evidentia.pack.command import *
from evidentia.pack.command import Line, Note, Table, TableColumn
from evidentia.pack.contract import Pack
from evidentia.pack.workspace import Workspace

class Colour(Enum):
    RED = "red"
    BLUE = "blue"

def echo(
    workspace: Workspace, *,
    word: Annotated[str, Argument(metavar="WORD", help="A word [any].")],
    more: Annotated[tuple[str, ...], Argument(metavar="MORE", help="More.")] = (),
    colour: Annotated[Colour, Option(metavar="C", help="Which.")] = Colour.RED,
    count: Annotated[int | None, Option(metavar="N", help="N.", at_least=1, at_most=9)] = None,
    share: Annotated[float, Option(metavar="X", help="Share.")] = 0.5,
    tags: Annotated[tuple[str, ...], Option(names=("--tag",), metavar="T", help="Tags.")] = (),
    is_dry_run: Annotated[bool, Option(help="Only look.", names=("--dry-run/--write",))] = True,
    is_loud: Annotated[bool, Option(help="Shout.")] = False,
) -> CommandResult:
    """Say again what was given [all of it]."""
    given = [word, list(more), colour.value, count, share, list(tags), is_dry_run, is_loud]
    return CommandResult(document={"given": given}, parts=(
        Line(text=f"{word}\\x1b[2J"),
        Note(text="aside"),
        Table(columns=(TableColumn(title="n", is_number=True),), rows=[(12345,)]),
        Table(columns=(TableColumn(title="whole"),), rows=[("x",)], is_whole=True),
    ), is_finding=is_loud)

def fail(workspace: Workspace) -> CommandResult:
    """Fail."""
    raise UsageError("nothing works", where="here", fix="give up")

def note(
    workspace: Workspace, *,
    text: Annotated[str, Argument(metavar="TEXT", help="What.")],
) -> CommandResult:
    """Append a note."""
    done = workspace.append([Draft(event_type="note.v1", payload={"text": text})], reason="asked")
    return CommandResult(document={
        "ledger": workspace.ledger_name,
        "sequence": done[0].sequence,
        "is_stored": done[0].is_stored,
    })

def notes(workspace: Workspace) -> CommandResult:
    """List notes."""
    state = workspace.ledger_state()
    found = [each for each in workspace.ledger_events() if each.event_type == "note.v1"]
    texts = [each.payload["text"] for each in found]
    return CommandResult(document={"notes": texts, "size": state.size, "level": state.level})

def sly(workspace: Workspace) -> CommandResult:
    """Append without having said so."""
    workspace.append([], reason="x")
    return CommandResult(document={})

def command(run, **more):
    name = run.__name__
    return PackCommand(name=name, run=run, example=f"evidentia sample {name}", **more)

PACK = Pack(
    name="sample", version=1, title="Samples",
    fields=FieldMap(kind=("event_type",), event_id=("id",)),
    commands=(
        command(echo), command(fail), command(note, appends=True),
        command(notes, reads_ledger=True), command(sly, reads_ledger=True),
    ),
)
HIDING = Pack(
    name="verify", version=1, title="x", fields=FieldMap(kind=("kind",)), commands=(command(fail),)
)
'''


def put(folder: Path, **points: str) -> None:
    """A distribution with entry points."""
    metadata = folder / "samples-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: samples\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[evidentia.packs]", *lines]))


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where distributions are found."""
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def sample(site: Path) -> Iterator[Path]:
    """The pack above, installed."""
    (site / "sample_commands.py").write_text(MODULE)
    put(site, sample="sample_commands:PACK")
    yield site
    sys.modules.pop("sample_commands", None)


@pytest.mark.usefixtures("sample")
def test_every_type_of_parameter_arrives(command: Command) -> None:
    """Texts, numbers, choices, flags and lists come as the function declares them."""
    plain = command("sample", "echo", "a", "--json")
    full = command(
        *("sample", "echo", "a", "b", "c", "--colour", "blue", "--count", "3", "--share", "0.25"),
        *("--tag", "x", "--tag", "y", "--write", "--loud", "--json"),
    )

    assert plain.object == {"given": ["a", [], "red", None, 0.5, [], True, False]}
    assert full.object == {"given": ["a", ["b", "c"], "blue", 3, 0.25, ["x", "y"], False, True]}
    assert (plain.status, full.status) == (0, 1)


@pytest.mark.usefixtures("sample")
def test_what_people_see_is_harmless(command: Command) -> None:
    """Lines, notes and tables are printed; what would steer a terminal is shown instead."""
    result = command("sample", "echo", "a")

    assert "\x1b" not in result.out
    assert result.out.startswith("a")
    assert "12,345" in result.out
    assert "whole" in result.out
    assert result.err == "aside\n"


@pytest.mark.usefixtures("sample")
def test_quiet_prints_nothing(command: Command) -> None:
    """As everywhere."""
    result = command("-q", "sample", "echo", "a")

    assert (result.status, result.out, result.err) == (0, "", "")


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sample", "ecko"), "echo"),
        (("sampel",), "No such command"),
        (("sample", "echo"), "Missing argument"),
        (("sample", "echo", "a", "--frobnicate"), "see 'evidentia sample echo --help'"),
        (("sample", "echo", "a", "--count", "10"), "--count"),
        (("sample", "echo", "a", "--colour", "green"), "green"),
        (("sample", "fail"), "nothing works"),
        (("sample", "fail", "--ledger", "x"), "--ledger"),
        (("sample", "notes", "--key", "x"), "--key"),
        (("sample", "note", "x"), "names no ledger for the pack 'sample'"),
        (("sample", "notes", "--ledger", "absent"), "there is no ledger 'absent'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_usage_has_status_2(command: Command, words: tuple[str, ...], said: str) -> None:
    """The error says what, and how to fix it, as that of a built-in command."""
    result = command(*words)

    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err
    assert "  fix: " in result.err


@pytest.mark.usefixtures("sample")
def test_packs_stand_in_the_help_and_have_help(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root lists the pack, the pack its commands, a command its options and an example."""
    monkeypatch.setenv("COLUMNS", "200")

    root, group, one, alone = (
        command("--help"),
        command("sample", "--help"),
        command("sample", "echo", "--help"),
        command("sample"),
    )

    assert [root.status, group.status, one.status, alone.status] == [0, 0, 0, 2]
    assert "Samples." in root.out
    assert "Append a note." in group.out
    assert "Usage: evidentia sample echo" in one.out
    assert "Say again what was given [all of it]." in one.out
    assert "A word [any]." in one.out
    assert "Example: evidentia sample echo" in one.out


def test_a_command_with_a_ledger_appends_to_it_and_reads_it(command: Command, sample: Path) -> None:
    """By folder, or as the configuration names it for the pack; mirrored there."""
    command("ledger", "init", "by-folder", "--origin", "example.org/a")
    Path("evidentia.toml").write_text(
        '[[ledgers]]\nname = "own"\npath = "own"\npack = "sample"\n'
        '[[ledgers]]\nname = "other"\npath = "other"\n'
    )
    command("ledger", "init", "own", "--origin", "example.org/own")

    plain = command("sample", "note", "one", "--ledger", "by-folder", "--json")
    own = command("sample", "note", "two", "--json")
    read = command("sample", "notes", "--json")
    stored = command("events", "--kind", "note.v1", "--json")

    assert sample.is_dir()
    assert plain.object == {"ledger": "by-folder", "sequence": 1, "is_stored": False}
    assert own.object == {"ledger": "own", "sequence": 1, "is_stored": True}
    assert read.object == {"notes": ["two"], "size": 2, "level": 3}
    assert [each["pack"] for each in stored.object["events"]] == ["sample"]


@pytest.mark.usefixtures("sample")
def test_a_command_that_does_not_declare_it_cannot_append(command: Command) -> None:
    """What appends is seen in the declaration, by people and by the help."""
    command("ledger", "init", "l", "--origin", "example.org/a")

    result = command("sample", "sly", "--ledger", "l")

    assert result.status == 2
    assert "'sample sly' does not declare that it appends" in result.err


@pytest.mark.usefixtures("sample")
def test_two_ledgers_of_a_pack_must_be_told_apart(command: Command) -> None:
    """Nothing is appended to a ledger by guess."""
    Path("evidentia.toml").write_text(
        "".join(
            f'[[ledgers]]\nname = "{name}"\npath = "{name}"\npack = "sample"\n' for name in "ab"
        )
    )

    result = command("sample", "note", "x")

    assert result.status == 2
    assert "has several ledgers: a, b" in result.err
    assert "name one with --ledger" in result.err


def test_every_command_of_a_built_in_pack_has_help_with_an_example(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help names the command and shows it in use; an unknown option is wrong usage."""
    monkeypatch.setenv("COLUMNS", "200")
    names = [(pack.name, each.name) for pack in load_packs().values() for each in pack.commands]

    for words in names:
        helped, wrong = command(*words, "--help"), command(*words, "--frobnicate")
        assert (helped.status, helped.err) == (0, ""), words
        assert f"Usage: evidentia {' '.join(words)}" in helped.out
        assert f"Example: evidentia {' '.join(words)}" in helped.out
        assert wrong.status == 2
        assert "--frobnicate" in wrong.err

    assert ("repair", "scan") in names


def test_a_pack_that_would_hide_a_built_in_command_is_refused(command: Command, site: Path) -> None:
    """The built-in command stays; whoever needs the packs is told which one is wrong."""
    (site / "sample_commands.py").write_text(MODULE)
    put(site, verify="sample_commands:HIDING")

    helped, packs, unknown = command("--help"), command("packs"), command("sample")
    sys.modules.pop("sample_commands", None)

    assert helped.status == 0
    assert "the packs' commands are not shown" in helped.err
    assert (packs.status, unknown.status) == (3, 3)
    assert "the commands of pack 'verify' would hide 'evidentia verify'" in packs.err
    assert "give the pack another name" in packs.err


def test_a_pack_that_does_not_load_hides_no_built_in_help(command: Command, site: Path) -> None:
    """The help is where people look when something is wrong."""
    put(site, broken="no_such_module:PACK")

    helped, unknown = command("--help"), command("broken")

    assert helped.status == 0
    assert "ingest" in helped.out
    assert "pack 'broken' does not load" in helped.err
    assert unknown.status == 3


def test_built_in_commands_load_no_pack(tmp_path: Path) -> None:
    """A pack costs time only where it is asked for."""
    code = (
        "import sys\n"
        "from evidentia.cli.application import run\n"
        "run(['ledger', 'keygen', 'example.org/a', '-o', 'k', '--json'])\n"
        "print(sorted(name for name in sys.modules if name.startswith('evidentia.packs')))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("typed", "meant"), [("evidentia sam", "sample"), ("evidentia sample ec", "echo")]
)
def test_the_shell_completes_packs_and_their_commands(
    sample: Path, tmp_path: Path, typed: str, meant: str
) -> None:
    """Completion knows what help knows."""
    done = subprocess.run(
        [sys.executable, "-c", "from evidentia.cli import main; main()"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "_EVIDENTIA_COMPLETE": "complete_bash",
            "_TYPER_COMPLETE_ARGS": typed,
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert sample.is_dir()
    assert done.stdout.split() == [meant]


def test_the_example_pack_has_a_command(
    command: Command, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third party's command comes in by the same door."""
    put(site, acme="acme_pack:PACK")
    acme = CHECKOUT / "examples/acme-pack"
    monkeypatch.syspath_prepend(str(acme / "src"))

    result = command("acme", "refused", acme / "acme.jsonl", "--json")
    told = command("acme", "refused", acme / "acme.jsonl")
    for name in [each for each in sys.modules if each.startswith("acme_pack")]:
        sys.modules.pop(name)

    assert (result.status, told.status) == (1, 1)
    assert result.object == {"refused": [{"door": "vault", "count": 1}]}
    assert told.out.startswith("1 refusals\n")


BROWSING = (
    MODULE
    + """
from evidentia.pack.browsing import PackBrowser

class Nothing:
    def __init__(self, workspace, file):
        self.said = f"{workspace.ledger_name} {file}"

PACK = Pack(
    name="sample", version=1, title="Samples",
    fields=FieldMap(kind=("event_type",), event_id=("id",)),
    browser=PackBrowser(open=Nothing, help="Look.", example="evidentia sample browse x"),
)
"""
)


@pytest.fixture
def browsing(site: Path) -> Iterator[None]:
    """A pack that has nothing but a browser."""
    (site / "sample_commands.py").write_text(BROWSING)
    put(site, sample="sample_commands:PACK")
    yield
    sys.modules.pop("sample_commands", None)


@pytest.mark.usefixtures("browsing")
def test_a_browser_needs_a_terminal(command: Command) -> None:
    """In a pipe, and with --json, the other commands are named."""
    helped, plain, as_json = (
        command("sample", "browse", "--help"),
        command("sample", "browse", "x"),
        command("sample", "browse", "x", "--json"),
    )

    assert helped.status == 0
    assert "Look." in helped.out
    assert (plain.status, as_json.status) == (2, 2)
    assert "a browser needs a terminal" in plain.err


@pytest.mark.usefixtures("browsing")
def test_without_textual_the_browser_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is optional."""

    class Terminal:
        def isatty(self) -> bool:
            return True

    for name in [each for each in sys.modules if each.startswith("textual")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.delitem(sys.modules, "evidentia.cli.browse_screen", raising=False)
    terminals = type("S", (), {"stdin": Terminal(), "stdout": Terminal()})
    monkeypatch.setattr("evidentia.cli.browsing.sys", terminals)

    result = command("sample", "browse", "x")

    assert result.status == 2
    assert "the browser needs Textual, which is not installed" in result.err
    assert "pip install 'evidentia[browse]'" in result.err
