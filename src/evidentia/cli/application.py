"""The application: shared options, the commands, and errors turned into exit statuses."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from evidentia import __version__
from evidentia.cli import (
    dead_letters,
    export,
    follow,
    ingest,
    ledgers,
    projections,
    queries,
    reports,
    setup,
    standing,
    verification,
)
from evidentia.cli.exits import EXIT_DONE, EXIT_FAILED, EXIT_HELD, EXIT_USAGE
from evidentia.cli.output import Output, problem_json
from evidentia.cli.pack_commands import RootGroup
from evidentia.cli.plain import shown
from evidentia.cli.session import Session, chosen_store, hoist
from evidentia.errors import EvidentiaError, LedgerHeldError, StoreHeldError, UsageError

# Typer brings its own copy of click, whose base error it does not export.
_CLICK_ERROR: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
_EXIT_BROKEN_PIPE: Final = 141
_EXIT_INTERRUPTED: Final = 130

APP: Final = typer.Typer(
    name="evidentia",
    cls=RootGroup,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    # Tracebacks with local variables would print whatever a configuration holds.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="The options above may also stand after the command. "
    "Exit status: 0 done, 1 a check found something, 2 wrong usage, 3 the operation failed, "
    "4 the store is held by another process.",
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        sys.stdout.write(f"evidentia {__version__}\n")
        raise typer.Exit


@APP.callback()
def shared_options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Configuration (default: ./evidentia.toml, if any)."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Store address, sqlite:///PATH.")
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Short for an SQLite store at PATH."),
    ] = None,
    is_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (docs/reference/json.md).")
    ] = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    is_verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print more, tracebacks included.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Print the version and stop.",
            is_eager=True,
            callback=_print_version,
        ),
    ] = False,
) -> None:
    """JSONL is the evidence, SQL is a derived view; evidentia keeps the two the same."""
    verbosity = -1 if is_quiet else int(is_verbose)
    context.obj = Session(
        config_path=config,
        store_address=chosen_store(store, db),
        output=Output(is_json=is_json, verbosity=verbosity),
    )


for _group in (
    setup,
    ingest,
    follow,
    standing,
    verification,
    queries,
    reports,
    dead_letters,
    projections,
    ledgers,
    export,
):
    _group.register(APP)


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit status."""
    arguments = hoist(arguments)
    output = Output(
        is_json="--json" in arguments,
        verbosity=1 if {"-v", "--verbose"} & set(arguments) else 0,
    )
    try:
        return _guarded(arguments, output)
    except BrokenPipeError:
        _give_up(sys.stdout)
        _give_up(sys.stderr)
        return _EXIT_BROKEN_PIPE


def _guarded(arguments: list[str], output: Output) -> int:
    """Run a command; whatever it raises becomes an exit status, but for a reader that has gone."""
    try:
        status = APP(args=arguments, prog_name="evidentia", standalone_mode=False)
        # Not left to the interpreter, which would end with a status of its own.
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except SystemExit as ending:
        # Typer's own answer to a reader that has gone; shell completion ends like this too.
        if isinstance(ending.__context__, BrokenPipeError):
            raise ending.__context__ from None
        raise
    except Exception as error:  # noqa: BLE001 - the last door: a status of 1 would mean a finding
        return _failed(error, output)
    if status == _EXIT_INTERRUPTED:
        output.note("interrupted; what was committed stays, the rest is read next time")
    return status if isinstance(status, int) else EXIT_DONE


def _failed(error: Exception, output: Output) -> int:
    if isinstance(error, _CLICK_ERROR):
        return _usage(error, output)
    if isinstance(error, EvidentiaError):
        return report_error(error, output)
    return report_error(_refused(error) if isinstance(error, OSError) else _defect(error), output)


def _give_up(stream: TextIO) -> None:
    """Let what can no longer be written go nowhere, or Python complains when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _refused(error: OSError) -> EvidentiaError:
    problem = EvidentiaError(
        f"the operating system refuses: {error.strerror or error}",
        where=str(error.filename) if error.filename else None,
        fix="free what is used up, or see --verbose for what was tried",
    )
    problem.__cause__ = error
    return problem


def _defect(error: Exception) -> EvidentiaError:
    problem = EvidentiaError(
        f"this is a defect of evidentia ({type(error).__name__}); what was committed stays",
        fix="run it again with --verbose and report what it prints",
    )
    problem.__cause__ = error
    return problem


def report_error(error: EvidentiaError, output: Output) -> int:
    """Print an error and return its exit status."""
    try:
        if output.is_json:
            output.emit(problem_json(error))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError:
        # Standard output may itself be what refuses.
        _give_up(sys.stdout)
    output.problem(error)
    if output.verbosity > 0:
        for line in "".join(traceback.format_exception(error)).splitlines():
            output.note(shown(line))
    return exit_status(error)


def exit_status(error: EvidentiaError) -> int:
    """The exit status that an error stands for."""
    if isinstance(error, (StoreHeldError, LedgerHeldError)):
        return EXIT_HELD
    return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED


def _usage(error: Exception, output: Output) -> int:
    message = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stdout.write(f"{message}\n")
        return EXIT_USAGE
    command = getattr(getattr(error, "ctx", None), "command_path", "evidentia")
    return report_error(UsageError(message, fix=f"see '{command} --help'"), output)
