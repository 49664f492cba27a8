"""``evidentia PACK COMMAND``: the packs' commands, found when somebody asks for one.

Packs are loaded when the first word is none of evidentia's own, and for help and completion: the
built-in commands start without them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from evidentia.cli import pack_database, pack_keeping, pack_upkeep
from evidentia.cli.browsing import BROWSE, browse_callback
from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.plain import shown
from evidentia.errors import EvidentiaError

if TYPE_CHECKING:
    from evidentia.cli.output import Output
    from evidentia.cli.session import Session
    from evidentia.pack.command import (
        CommandParameter,
        CommandResult,
        PackCommand,
        Part,
    )
    from evidentia.pack.contract import Pack

_LEDGER: Final = typer.Option(
    "--ledger",
    metavar="PATH",
    help="The ledger: its name in the configuration, or its folder (default: the pack's own).",
)
_KEY: Final = typer.Option(
    "--key", metavar="REF", help="The ledger's signing key: env:NAME or file:PATH."
)


class RootGroup(TyperGroup):
    """The built-in commands, and behind them a group for each pack that has commands."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own click
        """A built-in command; else the group of the pack of that name, if it has commands.

        Raises:
            PackError: It is no built-in command, and a pack does not load.
        """
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name.startswith("-"):
            return found
        pack = _packs_with_commands().get(cmd_name)
        return None if pack is None else pack_group(pack)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - as above
        """All of them. A pack that does not load is told, and hides none of the others' help."""
        names = super().list_commands(ctx)
        try:
            return [*names, *_packs_with_commands()]
        except EvidentiaError as problem:
            if not ctx.resilient_parsing:
                sys.stderr.write(f"the packs' commands are not shown: {shown(problem)}\n")
            return names


def _packs_with_commands() -> dict[str, Pack]:
    from evidentia.pack.registry import load_packs  # noqa: PLC0415 - start-up time

    return {name: pack for name, pack in load_packs().items() if has_commands(pack)}


def has_commands(pack: Pack) -> bool:
    """Whether anything stands under a pack's name."""
    return bool(pack.commands or pack.database or pack.browser)


def pack_group(pack: Pack) -> TyperGroup:
    """The commands of a pack as one group.

    Raises:
        PackError: A command has a signature that no command line can give.
    """
    app = typer.Typer(
        name=pack.name,
        no_args_is_help=True,
        help=f"{pack.title}.",
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_group)
    for command in pack.commands:
        app.command(
            command.name, help=_plain_markup(command.help), epilog=f"Example: {command.example}"
        )(_callback(pack, command))
    if pack.browser is not None:
        app.command(
            BROWSE,
            help=_plain_markup(pack.browser.help),
            epilog=f"Example: {pack.browser.example}",
        )(browse_callback(pack))
    if pack.database_queries:
        pack_database.register(app, pack)
    if pack.database is not None:
        pack_upkeep.register(app, pack)
        pack_keeping.register(app, pack)
    return get_group(app)


def _group() -> None:
    """Commands of a pack."""


def _plain_markup(text: str) -> str:
    """Text in which square brackets are no markup."""
    return text.replace("[", r"\[")


def _callback(pack: Pack, command: PackCommand) -> Callable[..., int]:
    """A function with the signature that the command line is made from."""
    from evidentia.pack.command import parameters_of  # noqa: PLC0415 - start-up time

    parameters = parameters_of(command)

    def call(context: typer.Context, **given: Any) -> int:  # noqa: ANN401 - options of any type
        return _run(context.obj, pack, command, given)

    wanted = [inspect.Parameter("context", _BY_NAME, annotation=typer.Context)]
    wanted += [_typed(each) for each in parameters]
    wanted += [_optional(name, option) for name, option in _own_options(command).items()]
    call.__signature__ = inspect.Signature(wanted)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in wanted}
    return call


def _own_options(command: PackCommand) -> dict[str, object]:
    """The options that a command has for what it declares to use."""
    options: dict[str, object] = {}
    if command.records:
        options["database"] = pack_database.DATABASE
    if command.appends or command.reads_ledger or command.records:
        options["ledger"] = _LEDGER
    if command.appends or command.records:
        options["key"] = _KEY
    return options


_BY_NAME: Final = inspect.Parameter.KEYWORD_ONLY


def _optional(name: str, option: object) -> inspect.Parameter:
    return inspect.Parameter(name, _BY_NAME, annotation=Annotated[str | None, option], default=None)


def _typed(parameter: CommandParameter) -> inspect.Parameter:
    """A parameter as Typer reads it."""
    kind: Any = list[str] if parameter.is_many else parameter.type
    if not parameter.is_required and parameter.default is None:
        kind |= None
    default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
    return inspect.Parameter(
        parameter.name,
        _BY_NAME,
        annotation=Annotated[kind, _marker(parameter)],
        default=inspect.Parameter.empty if parameter.is_required else default,
    )


def _marker(parameter: CommandParameter) -> object:
    from evidentia.pack.command import Argument  # noqa: PLC0415 - start-up time

    marker = parameter.marker
    if isinstance(marker, Argument):
        return typer.Argument(metavar=marker.metavar, help=_plain_markup(marker.help))
    return typer.Option(
        *parameter.option_names,
        metavar=marker.metavar or None,
        help=_plain_markup(marker.help),
        min=marker.at_least,
        max=marker.at_most,
    )


def _run(session: Session, pack: Pack, command: PackCommand, given: dict[str, Any]) -> int:
    from evidentia.app.pack_workspace import PackWorkspace  # noqa: PLC0415 - imports everything

    own = {name: given.pop(name) for name in _own_options(command)}
    database = own.get("database")
    workspace = PackWorkspace(
        workspace=session.workspace(),
        pack=pack,
        command=f"{pack.name} {command.name}",
        ledger=own.get("ledger"),
        key=own.get("key"),
        appends=command.appends,
        database=None if database is None else Path(database),
        records=command.records,
    )
    values = {name: tuple(each) if isinstance(each, list) else each for name, each in given.items()}
    return show(command.run(workspace, **values), session.output)


def show(result: CommandResult, output: Output) -> int:
    """Print what a command gave back, and return its exit status."""
    from evidentia.pack.command import Note  # noqa: PLC0415 - start-up time

    if output.is_json:
        output.emit(result.document)
    for part in result.parts:
        if isinstance(part, Note):
            output.note(shown(part.text))
        elif not output.is_json:
            _show(part, output)
    return EXIT_FOUND if result.is_finding else EXIT_DONE


def _show(part: Part, output: Output) -> None:
    from evidentia.pack.command import Table  # noqa: PLC0415 - start-up time

    if not isinstance(part, Table):
        output.say(shown(part.text))
        return
    (output.records if part.is_whole else output.table)(part.columns, part.rows)
