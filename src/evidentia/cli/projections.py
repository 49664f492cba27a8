"""``evidentia projection``: summaries and states of the packs, listed, checked, made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.session import Session
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.projection.check import Drift, ProjectionCheck, ProjectionStatus

_Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; all by default.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Summaries and states that are kept of the events."
    )
    group.command("list", epilog="Example: evidentia projection list")(list_command)
    group.command("check", epilog="Example: evidentia projection check sessions")(check_command)
    group.command("rebuild", epilog="Example: evidentia projection rebuild sessions")(
        rebuild_command
    )
    app.add_typer(group, name="projection")


def list_command(context: typer.Context) -> None:
    """List the projections that the packs declare, and up to which batch each one stands."""
    session: Session = context.obj
    found = session.workspace().projections()
    if session.output.is_json:
        session.output.emit({"projections": [_status_json(each) for each in found]})
        return
    session.output.table(
        (
            TableColumn(title="projection"),
            TableColumn(title="pack"),
            TableColumn(title="state"),
            TableColumn(title="batch", is_number=True),
            TableColumn(title="title", is_cut=True),
        ),
        [
            (
                each.name,
                each.pack,
                each.stored.state if each.stored else "not made yet",
                each.stored.batch_id if each.stored else 0,
                each.title,
            )
            for each in found
        ],
    )
    for each in found:
        if each.stored and each.stored.detail:
            session.output.say(f"{each.name} is halted: {shown(each.stored.detail)}")


def _status_json(each: ProjectionStatus) -> Json:
    stored = each.stored
    return {
        "name": each.name,
        "pack": each.pack,
        "title": each.title,
        "state": stored.state if stored else None,
        "number": stored.number if stored else None,
        "batch_id": stored.batch_id if stored else None,
        "detail": (stored.detail or None) if stored else None,
        "changed": shown_time(stored.changed_us) if stored else None,
    }


def check_command(
    context: typer.Context,
    names: _Names = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Compare about so many rows of each, not all."),
    ] = None,
) -> int:
    """Compute projections anew from the stored events and compare. Reads only.

    Names every row that differs by its key, with what it was and what it should be. A sample is
    spread over the table and over the events, and finds only the rows that it meets. Exit status 1
    when anything differs, or a projection is halted or behind.
    """
    session: Session = context.obj
    checks = session.workspace().check_projections(names or (), sample)
    is_well = all(each.is_well for each in checks)
    if session.output.is_json:
        session.output.emit(
            {"is_well": is_well, "projections": [_check_json(each) for each in checks]}
        )
    else:
        _show(checks, session.output)
    return EXIT_DONE if is_well else EXIT_FOUND


def _check_json(each: ProjectionCheck) -> Json:
    return {
        **asdict(each),
        "problem": each.problem or None,
        "is_well": each.is_well,
    }


def _show(checks: tuple[ProjectionCheck, ...], output: Output) -> None:
    output.table(
        (
            TableColumn(title="projection"),
            TableColumn(title="batch", is_number=True),
            TableColumn(title="rows", is_number=True),
            TableColumn(title="drifted", is_number=True),
            TableColumn(title="digest", is_cut=True),
        ),
        [
            (each.name, each.batch_id, each.rows, each.drift_count, each.digest or "none")
            for each in checks
        ],
    )
    for each in checks:
        if each.problem:
            output.say(f"{each.name}: {shown(each.problem)}")
        for drift in each.drifts:
            output.say(_drift_text(each.name, drift))
        if each.drift_count > len(each.drifts):
            output.say(f"{each.name}: … and {each.drift_count - len(each.drifts):,} more rows")
    if any(each.drift_count for each in checks):
        output.say("the events decide: 'evidentia projection rebuild NAME' makes a table anew")


def _drift_text(name: str, drift: Drift) -> str:
    key = ", ".join(f"{column}={_value(value)}" for column, value in drift.key.items())
    if drift.was is None:
        return f"{name}: {key} is missing; should be {_values(drift.should_be or {})}"
    if drift.should_be is None:
        return f"{name}: {key} should not be there; was {_values(drift.was)}"
    differing = [column for column in drift.was if drift.was[column] != drift.should_be[column]]
    was = {column: drift.was[column] for column in differing}
    wanted = {column: drift.should_be[column] for column in differing}
    if not differing:
        return f"{name}: {key} shows the right values, but what it keeps besides differs"
    return f"{name}: {key} was {_values(was)}; should be {_values(wanted)}"


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{column}={_value(value)}" for column, value in values.items())


def _value(value: object) -> str:
    return "NULL" if value is None else shown(value)


def rebuild_command(context: typer.Context, names: _Names = None) -> None:
    """Make projections anew from the stored events, in new tables.

    Readers see the old table until the new one is whole.
    """
    session: Session = context.obj
    rebuilt = session.workspace().rebuild_projections(names or ())
    if session.output.is_json:
        session.output.emit({"rebuilt": list(rebuilt)})
        return
    session.output.say(f"made {counted(len(rebuilt), 'projection', 'projections')} anew")
