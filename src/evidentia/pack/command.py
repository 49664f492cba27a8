"""Commands of a pack: plain typed functions that the command line turns into sub-commands.

A command is ``run(workspace, *, parameter, ..) -> CommandResult``. Its parameters are annotated,
``Annotated[str, Argument(..)]`` or ``Annotated[str, Option(..)]``, so a pack never imports a
library for command lines. It prints nothing and ends no process: it returns what is to be shown,
and raises errors of ``evidentia.errors``. All it knows of the world is its ``Workspace``.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final, Union, get_args, get_origin, get_type_hints

from evidentia.errors import PackError
from evidentia.event.values import JsonValue

BUILT_IN_COMMANDS: Final = frozenset(
    (
        *("dead-letters", "doctor", "events", "explain", "export", "follow", "ingest", "init"),
        *("ledger", "packs", "projection", "query", "recover", "report", "status", "verify"),
    )
)
"""The first words that evidentia keeps for itself; a pack of such a name has no commands."""

SHARED_OPTIONS: Final = frozenset(
    (
        *("--config", "--store", "--db", "--json", "--quiet", "-q", "--verbose", "-v"),
        *("--version", "-V", "--help", "-h", "--ledger", "--key", "--database"),
    )
)
"""Options that every command has, or every command with a ledger."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_OPTION: Final = re.compile(
    r"-[a-z]|--[a-z][a-z0-9]*(-[a-z0-9]+)*(/--[a-z][a-z0-9]*(-[a-z0-9]+)*)?"
)
_SECTION: Final = re.compile(r"\n\s*(Args|Attributes|Raises|Returns|Yields):\s*\n.*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """Marks a parameter that is given by its place. One with a default may be left out.

    Attributes:
        metavar: What it is called in the usage line, e.g. ``FILE``.
    """

    help: str
    metavar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Marks a parameter that is given by its name. One without a default must be given.

    Attributes:
        metavar: What its value is called; empty for a flag.
        names: How it is written, e.g. ``("--output", "-o")``; by default the parameter's name
            without ``is_``. A flag may name its opposite as well: ``("--dry-run/--write",)``.
        at_least: The smallest number that is taken.
        at_most: The largest.
    """

    help: str
    metavar: str = ""
    names: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line for people, on standard output."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line beside the result, on standard error; printed with ``--json`` as well."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a printed table.

    Attributes:
        is_cut: Its cells are shortened to what is left of the line.
        is_optional: It is left out where the terminal is too narrow, the last such column first.
    """

    title: str
    is_number: bool = False
    is_cut: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for people, one line a row.

    Attributes:
        is_whole: Its cells must be read whole: where a line is too short for a row, each value
            gets a line of its own.
    """

    columns: tuple[TableColumn, ...]
    rows: Sequence[Sequence[object]]
    is_whole: bool = False


Part = Line | Note | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command gives back.

    Attributes:
        document: The stable, documented object that ``--json`` prints.
        parts: What people are shown instead, in order. Text from logs may stand in it as it is:
            whoever prints it makes it harmless.
        is_finding: A check found something: exit status 1.
    """

    document: Mapping[str, JsonValue]
    parts: tuple[Part, ...] = ()
    is_finding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PackCommand:
    """A command: ``evidentia PACK NAME``.

    Attributes:
        name: Lower-case words with hyphens between them.
        run: Takes the workspace by its place and its parameters by name. The first lines of its
            docstring, up to a section such as ``Raises:``, are the help.
        example: A whole command line, shown in the help.
        appends: It may append to the pack's ledger; it gets the options ``--ledger`` and ``--key``.
        reads_ledger: It reads the pack's ledger; it gets the option ``--ledger``.
        records: It records into the pack's own database, by way of its ledger; it gets the options
            ``--database``, ``--ledger`` and ``--key``.
    """

    name: str
    run: Callable[..., CommandResult]
    example: str
    appends: bool = False
    reads_ledger: bool = False
    records: bool = False

    @property
    def help(self) -> str:
        """What the command does, for people."""
        return _SECTION.sub("", inspect.getdoc(self.run) or "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandParameter:
    """A parameter as the command line needs it.

    Attributes:
        type: ``str``, ``int``, ``float``, ``bool`` or an ``Enum`` of texts: of one value.
        is_many: It is given any number of times, and arrives as a tuple.
        is_required: There is no default.
        default: None where the parameter may be absent, or has no default.
    """

    name: str
    type: type
    marker: Argument | Option
    is_many: bool
    is_required: bool
    default: object

    @property
    def option_names(self) -> tuple[str, ...]:
        """How an option is written; nothing for an argument."""
        if isinstance(self.marker, Argument):
            return ()
        plain = self.name.removeprefix("is_").replace("_", "-")
        if self.type is bool and self.default is True:
            return self.marker.names or (f"--{plain}/--no-{plain}",)
        return self.marker.names or (f"--{plain}",)


def parameters_of(command: PackCommand) -> tuple[CommandParameter, ...]:
    """The parameters of a command, in order.

    Raises:
        PackError: The function's signature is not that of a command.
    """
    try:
        hints = get_type_hints(command.run, include_extras=True)
    except (NameError, TypeError) as error:
        raise _broken(command, f"its annotations cannot be read: {error}") from error
    given = list(inspect.signature(command.run).parameters.values())
    if not given or given[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise _broken(command, "its first parameter is not the workspace")
    for parameter in given[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise _broken(command, f"parameter {parameter.name!r} can be given by place")
    return tuple(_parameter(command, each, hints.get(each.name)) for each in given[1:])


def _parameter(command: PackCommand, given: inspect.Parameter, hint: object) -> CommandParameter:
    marked = get_args(hint) if get_origin(hint) is Annotated else ()
    markers = [each for each in marked[1:] if isinstance(each, Argument | Option)]
    if len(markers) != 1:
        raise _broken(command, f"parameter {given.name!r} is marked neither Argument nor Option")
    has_default = given.default is not inspect.Parameter.empty
    single, is_many = _single(marked[0])
    if single is None:
        raise _broken(command, f"parameter {given.name!r} has a type that no command line can give")
    return CommandParameter(
        name=given.name,
        type=single,
        marker=markers[0],
        is_many=is_many,
        is_required=not has_default,
        default=given.default if has_default else None,
    )


def _single(hint: object) -> tuple[type | None, bool]:
    """The type of one value, and whether there may be many of them; no type if it is not one."""
    if get_origin(hint) in {Union, types.UnionType}:
        choices = [each for each in get_args(hint) if each is not types.NoneType]
        hint = choices[0] if len(choices) == 1 else None
    if hint in (tuple[str, ...], list[str], Sequence[str]):
        return str, True
    if not isinstance(hint, type):
        return None, False
    return (hint if hint in {str, int, float, bool} or issubclass(hint, Enum) else None), False


def _broken(command: PackCommand, why: str) -> PackError:
    return PackError(
        f"command {command.name!r} is no command: {why}",
        fix="declare run(workspace, *, name: Annotated[str, Option(help='..')]) -> CommandResult",
    )


def command_problems(pack: str, commands: Sequence[PackCommand]) -> Iterator[str]:
    """Every way in which a pack's commands break the contract."""
    if commands and pack in BUILT_IN_COMMANDS:
        yield f"its commands would stand under 'evidentia {pack}', which is evidentia's own"
    for command in commands:
        where = f"command {command.name!r}"
        if _NAME.fullmatch(command.name) is None:
            yield f"{where} is not named by lower-case words with hyphens between them"
        if not command.help:
            yield f"{where} has no docstring, so there is no help"
        if not command.example.startswith(f"evidentia {pack} {command.name}"):
            yield f"{where}: its example does not begin with 'evidentia {pack} {command.name}'"
        try:
            parameters = parameters_of(command)
        except PackError as problem:
            yield problem.what
            continue
        yield from (f"{where}: {problem}" for problem in _parameter_problems(parameters))


def _parameter_problems(parameters: Sequence[CommandParameter]) -> Iterator[str]:
    seen = set(SHARED_OPTIONS)
    for parameter in parameters:
        if not parameter.marker.help:
            yield f"parameter {parameter.name!r} has no help"
        for spelled in parameter.option_names:
            if _OPTION.fullmatch(spelled) is None:
                yield f"{spelled!r} is not how an option is written"
            for name in spelled.split("/"):
                if name in seen:
                    yield f"the option {name} is evidentia's own, or is there twice"
                seen.add(name)
