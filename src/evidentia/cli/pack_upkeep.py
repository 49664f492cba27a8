"""``evidentia PACK init``, ``status``, ``check`` and so on: what a pack's own database holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Json, Output
from evidentia.cli.pack_desk import DatabaseOption, KeyOption, LedgerOption, desk
from evidentia.cli.plain import counted, shown, shown_bytes
from evidentia.cli.session import Session
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.app.pack_database import DatabaseStatus
    from evidentia.audit.derived_check import DerivedCheck, RowDrift
    from evidentia.audit.derived_replay import Replayed
    from evidentia.pack.contract import Pack
    from evidentia.store.derived_upkeep import Finding


def register(app: typer.Typer, pack: Pack) -> None:
    """Add the commands that make, show, check and fill a pack's database to its group."""
    for name, make, arguments in (
        ("init", _init, f"{pack.name}.db"),
        ("status", _status, ""),
        ("refused", _refused, "--limit 10"),
        ("project", _project, ""),
        ("check", _check, ""),
        ("rebuild", _rebuild, ""),
    ):
        example = f"Example: evidentia {pack.name} {name} {arguments}".rstrip()
        app.command(name, epilog=example)(make(pack))


def _init(pack: Pack) -> Callable[..., int]:
    def init_command(
        context: typer.Context,
        path: Annotated[
            Path | None, typer.Argument(metavar="[PATH]", help="The file; as for --database.")
        ] = None,
        ledger: LedgerOption = None,
        key: KeyOption = None,
    ) -> int:
        """Make the pack's own database, empty, and its ledger where there is none.

        What is there already stays as it is. Then tables, indexes, views, JSON and the file itself
        are looked at. Exit status 1 when anything is not as it should be.
        """
        session: Session = context.obj
        opened = desk(session, pack, path, ledger, key)
        findings = opened.init()
        is_well = all(each.is_well for each in findings)
        if session.output.is_json:
            session.output.emit(
                {
                    "path": str(opened.path),
                    "ledger": str(opened.entry.folder),
                    "is_well": is_well,
                    "findings": [asdict(each) for each in findings],
                }
            )
        else:
            _show_findings(findings, session.output)
            session.output.say(f"made {shown(opened.path)}")
            session.output.say(f"its ledger is {shown(opened.entry.folder)}")
        return EXIT_DONE if is_well else EXIT_FOUND

    return init_command


def _show_findings(findings: tuple[Finding, ...], output: Output) -> None:
    output.table(
        (
            TableColumn(title="looked at"),
            TableColumn(title="is"),
            TableColumn(title="detail", is_cut=True),
        ),
        [(each.name, "well" if each.is_well else "NOT WELL", each.detail) for each in findings],
    )


def _status(pack: Pack) -> Callable[..., None]:
    def status_command(
        context: typer.Context, database: DatabaseOption = None, ledger: LedgerOption = None
    ) -> None:
        """Tell how the pack's own database stands: rows, refused events, archives. Reads only."""
        session: Session = context.obj
        status = desk(session, pack, database, ledger).status()
        if session.output.is_json:
            session.output.emit(_status_json(status))
        else:
            _show_status(status, session.output)

    return status_command


def _status_json(status: DatabaseStatus) -> Json:
    checkpoint = asdict(status.checkpoint) | {"digest": status.checkpoint.digest.hex()}
    return asdict(status) | {"checkpoint": checkpoint}


def _show_status(status: DatabaseStatus, output: Output) -> None:
    applied = status.checkpoint.size
    output.say(f"{shown(status.path)}, {shown_bytes(status.file_bytes)}")
    if status.ledger_size is None:
        output.say(f"there is no ledger in {shown(status.ledger)}")
    else:
        behind = status.ledger_size - applied
        output.say(
            f"{counted(applied, 'event')} of {shown(status.ledger)} applied"
            + (f", {behind:,} to come: run 'project'" if behind else "")
        )
    output.table(
        (TableColumn(title="table"), TableColumn(title="rows", is_number=True)),
        list(status.rows.items()),
    )
    for reason, count in status.refused.items():
        output.say(f"{counted(count, 'event')} refused: {shown(reason)}")
    for archive in status.archives:
        output.say(
            f"archive {archive.number}: {counted(archive.row_count, 'row')} older than"
            f" {archive.older_than} in {shown(archive.path)}"
        )


def _refused(pack: Pack) -> Callable[..., None]:
    def refused_command(
        context: typer.Context,
        limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many.")] = 100,
        since: Annotated[
            int, typer.Option(min=0, metavar="SEQUENCE", help="From this event of the ledger on.")
        ] = 0,
        database: DatabaseOption = None,
    ) -> None:
        """List the events that no rows came of, with the reason. The ledger keeps them."""
        session: Session = context.obj
        with desk(session, pack, database).store.reading() as reader:
            records = reader.refused_records(since=since, limit=limit)
            counts = reader.refused_counts()
        if session.output.is_json:
            session.output.emit({"counts": counts, "refused": [asdict(each) for each in records]})
            return
        session.output.table(
            (
                TableColumn(title="event", is_number=True),
                TableColumn(title="type"),
                TableColumn(title="reason"),
                TableColumn(title="detail", is_cut=True),
            ),
            [(each.sequence, each.event_type, each.reason, each.detail) for each in records],
        )
        if sum(counts.values()) > len(records):
            session.output.say(f"{counted(sum(counts.values()), 'event')} in all")

    return refused_command


def _project(pack: Pack) -> Callable[..., None]:
    def project_command(
        context: typer.Context, database: DatabaseOption = None, ledger: LedgerOption = None
    ) -> None:
        """Apply what the ledger has and the pack's own database lacks."""
        session: Session = context.obj
        _show_replayed(desk(session, pack, database, ledger).project(), session.output)

    return project_command


def _show_replayed(done: Replayed, output: Output) -> None:
    if output.is_json:
        output.emit(asdict(done))
    else:
        output.say(
            f"{counted(done.events, 'event')} applied: {counted(done.rows, 'row')} written,"
            f" {counted(done.refused, 'event')} refused"
        )


def _check(pack: Pack) -> Callable[..., int]:
    def check_command(
        context: typer.Context, database: DatabaseOption = None, ledger: LedgerOption = None
    ) -> int:
        """Replay the ledger aside and compare every row. Reads only.

        Names the rows that are not what the ledger gives, with what they were and should be. Exit
        status 1 when there are any.
        """
        session: Session = context.obj
        found = desk(session, pack, database, ledger).check()
        if session.output.is_json:
            session.output.emit(
                asdict(found) | {"is_well": found.is_well, "drift_count": found.drift_count}
            )
        else:
            _show_check(found, session.output)
        return EXIT_DONE if found.is_well else EXIT_FOUND

    return check_command


def _show_check(found: DerivedCheck, output: Output) -> None:
    output.table(
        (
            TableColumn(title="table"),
            TableColumn(title="rows", is_number=True),
            TableColumn(title="drifted", is_number=True),
            TableColumn(title="digest", is_cut=True),
        ),
        [(each.name, each.rows, each.drift_count, each.digest) for each in found.tables],
    )
    for drift in found.drifts:
        output.say(_drift_text(drift))
    if found.drift_count > len(found.drifts):
        output.say(f"… and {found.drift_count - len(found.drifts):,} more rows")
    if found.is_well:
        output.say(f"every row is what {counted(found.size, 'event')} of the ledger give")
    else:
        output.say("the ledger decides: 'rebuild' makes the database anew from it")


def _drift_text(drift: RowDrift) -> str:
    place = f"{drift.table} {shown(drift.key)}"
    if drift.was is None or drift.should_be is None:
        return f"{place}: {'missing' if drift.was is None else 'the ledger gives no such row'}"
    changes = (
        f"{name} is {shown(drift.was[name], width=60)},"
        f" should be {shown(drift.should_be[name], width=60)}"
        for name in drift.columns
    )
    return f"{place}: {'; '.join(changes)}"


def _rebuild(pack: Pack) -> Callable[..., None]:
    def rebuild_command(
        context: typer.Context,
        with_archived: Annotated[
            bool,
            typer.Option("--with-archived", help="Forget the archives: their rows come back."),
        ] = False,
        database: DatabaseOption = None,
        ledger: LedgerOption = None,
    ) -> None:
        """Make the pack's own database anew from its ledger.

        Until it is done everyone else sees the database as it was.
        """
        session: Session = context.obj
        opened = desk(session, pack, database, ledger)
        _show_replayed(opened.rebuild(with_archived=with_archived), session.output)

    return rebuild_command
