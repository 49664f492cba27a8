"""What makes a command of a pack, and what is said of one that is none."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import pytest

from evidentia.cli.application import APP
from evidentia.cli.session import FLAG_OPTIONS, VALUE_OPTIONS
from evidentia.errors import PackError
from evidentia.event.fieldmap import FieldMap
from evidentia.pack.command import (
    BUILT_IN_COMMANDS,
    SHARED_OPTIONS,
    Argument,
    CommandResult,
    Option,
    PackCommand,
    command_problems,
    parameters_of,
)
from evidentia.pack.conformance import assert_pack_conforms, check_pack
from evidentia.pack.contract import Pack
from evidentia.pack.workspace import Workspace


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


def good(
    workspace: Workspace,  # noqa: ARG001 - a command has one
    *,
    file: Annotated[str, Argument(metavar="FILE", help="A file.")],
    colour: Annotated[Colour, Option(metavar="COLOUR", help="Which.")] = Colour.RED,
    count: Annotated[int | None, Option(metavar="N", help="How many.", at_least=1)] = None,
    share: Annotated[float, Option(metavar="X", help="How much.")] = 0.5,
    tags: Annotated[tuple[str, ...], Option(names=("--tag",), metavar="T", help="Some.")] = (),
    is_dry_run: Annotated[bool, Option(help="Only look.")] = True,
    is_loud: Annotated[bool, Option(help="Shout.")] = False,
) -> CommandResult:
    """Do it.

    Twice.

    Raises:
        UsageError: Never.
    """
    given = [file, colour.value, count, share, list(tags), is_dry_run, is_loud]
    return CommandResult(document={"given": given})


GOOD = PackCommand(name="do-it", run=good, example="evidentia sample do-it x")


def test_the_parameters_of_a_command_are_read_from_its_signature() -> None:
    """Names, types, defaults and spellings come from the function, in order."""
    found = parameters_of(GOOD)

    assert [
        (each.name, each.type, each.is_many, each.is_required, each.default, each.option_names)
        for each in found
    ] == [
        ("file", str, False, True, None, ()),
        ("colour", Colour, False, False, Colour.RED, ("--colour",)),
        ("count", int, False, False, None, ("--count",)),
        ("share", float, False, False, 0.5, ("--share",)),
        ("tags", str, True, False, (), ("--tag",)),
        ("is_dry_run", bool, False, False, True, ("--dry-run/--no-dry-run",)),
        ("is_loud", bool, False, False, False, ("--loud",)),
    ]


def test_the_help_ends_where_a_section_of_the_docstring_begins() -> None:
    """People read what it does, not what it raises."""
    assert GOOD.help == "Do it.\n\nTwice."


def test_a_good_command_has_no_problems() -> None:
    """The conformance kit says nothing against it, nor does the whole pack's check."""
    pack = Pack(
        name="sample",
        version=1,
        title="A sample",
        fields=FieldMap(kind=("kind",)),
        commands=(GOOD,),
    )

    assert list(command_problems("sample", (GOOD,))) == []
    assert_pack_conforms(pack)


def no_workspace(*, file: Annotated[str, Argument(metavar="F", help="h")]) -> CommandResult:
    """Do."""
    return CommandResult(document={"file": file})


def by_place(
    workspace: Workspace,  # noqa: ARG001 - a command has one
    file: Annotated[str, Argument(metavar="F", help="h")],
) -> CommandResult:
    """Do."""
    return CommandResult(document={"file": file})


def unmarked(workspace: Workspace, *, file: str) -> CommandResult:  # noqa: ARG001 - as above
    """Do."""
    return CommandResult(document={"file": file})


def odd_type(
    workspace: Workspace,  # noqa: ARG001 - as above
    *,
    given: Annotated[dict[str, str], Option(help="h")],
) -> CommandResult:
    """Do."""
    return CommandResult(document={"given": dict(given)})


def two_types(
    workspace: Workspace,  # noqa: ARG001 - as above
    *,
    given: Annotated[int | str, Option(help="h")],
) -> CommandResult:
    """Do."""
    return CommandResult(document={"given": given})


def takes_json(
    workspace: Workspace,  # noqa: ARG001 - as above
    *,
    is_json: Annotated[bool, Option(help="h")] = False,
) -> CommandResult:
    """Do."""
    return CommandResult(document={"given": is_json})


def undocumented(workspace: Workspace) -> CommandResult:  # noqa: ARG001, D103 - the point
    return CommandResult(document={})


def unreadable(workspace: Nowhere) -> CommandResult:  # noqa: ARG001, F821 - the point
    """Do."""
    return CommandResult(document={})


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (no_workspace, "its first parameter is not the workspace"),
        (by_place, "parameter 'file' can be given by place"),
        (unmarked, "parameter 'file' is marked neither Argument nor Option"),
        (odd_type, "parameter 'given' has a type that no command line can give"),
        (two_types, "parameter 'given' has a type that no command line can give"),
        (takes_json, "the option --json is evidentia's own, or is there twice"),
        (undocumented, "has no docstring"),
        (unreadable, "its annotations cannot be read"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_wrong_with_a_command_is_said(run: Any, problem: str) -> None:
    """Each way to break the contract is named."""
    command = PackCommand(name="do", run=run, example="evidentia sample do")

    problems = list(command_problems("sample", (command,)))

    assert len(problems) == 1
    assert problem in problems[0]


def test_a_signature_that_no_command_line_can_give_is_an_error_of_the_pack() -> None:
    """Whoever runs an unchecked pack gets an error that names the command."""
    with pytest.raises(PackError, match="command 'do' is no command"):
        parameters_of(PackCommand(name="do", run=odd_type, example=""))


@pytest.mark.parametrize("name", ["Do", "do_it", "do--it", "", "-do"])
def test_names_are_words_with_hyphens(name: str) -> None:
    """A command is typed by people."""
    command = PackCommand(name=name, run=good, example=f"evidentia sample {name}")

    assert "is not named by lower-case words" in "".join(command_problems("sample", (command,)))


def test_an_example_shows_the_command_itself() -> None:
    """The help of one command does not show another one."""
    command = PackCommand(name="do", run=good, example="evidentia other do")

    assert "its example does not begin with" in "".join(command_problems("sample", (command,)))


def test_a_pack_of_a_built_in_name_has_no_commands() -> None:
    """A pack cannot hide what evidentia itself does."""
    pack = Pack(
        name="verify", version=1, title="x", fields=FieldMap(kind=("kind",)), commands=(GOOD, GOOD)
    )

    problems = "; ".join(check_pack(pack))

    assert "which is evidentia's own" in problems
    assert "command 'do-it' is declared 2 times" in problems


def test_a_pack_that_appends_reads_what_it_appends() -> None:
    """A mirrored ledger is read by its pack's field map, and an event is found by its id."""
    appending = PackCommand(name="do-it", run=good, example=GOOD.example, appends=True)

    def problems(fields: FieldMap) -> tuple[str, ...]:
        return check_pack(
            Pack(name="sample", version=1, title="x", fields=fields, commands=(appending,))
        )

    assert problems(FieldMap(kind=("event_type",), event_id=("id",))) == ()
    assert "does not read a ledger's event" in "".join(problems(FieldMap(kind=("event_type",))))


def test_the_reserved_words_are_those_of_the_command_line() -> None:
    """A built-in command that comes or goes is noticed here."""
    commands = {each.name for each in APP.registered_commands}
    groups = {each.name for each in APP.registered_groups}

    assert commands | groups == BUILT_IN_COMMANDS
    assert set(VALUE_OPTIONS) | set(FLAG_OPTIONS) <= SHARED_OPTIONS
