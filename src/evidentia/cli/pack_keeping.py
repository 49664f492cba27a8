"""``evidentia PACK archive``, ``restore``, ``backup``, ``maintain``: a pack's own database kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.pack_desk import DatabaseOption, LedgerOption, desk
from evidentia.cli.plain import counted, shown, shown_bytes
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.pack.contract import Pack

_AGE: Final = re.compile(r"(\d{1,6})([hdw])")
_HOUR_US: Final = 3_600_000_000
_UNITS_US: Final = {"h": _HOUR_US, "d": 24 * _HOUR_US, "w": 7 * 24 * _HOUR_US}


def register(app: typer.Typer, pack: Pack) -> None:
    """Add the commands that archive, copy and maintain a pack's database to its group."""
    for name, make, arguments in (
        ("archive", _archive, "--older-than 90d"),
        ("restore", _restore, f"{pack.name}-archive-0001.db"),
        ("backup", _backup, f"{pack.name}-copy.db"),
        ("maintain", _maintain, "--vacuum"),
    ):
        example = f"Example: evidentia {pack.name} {name} {arguments}"
        app.command(name, epilog=example)(make(pack))


def _archive(pack: Pack) -> Callable[..., None]:
    def archive_command(
        context: typer.Context,
        older_than: Annotated[
            str,
            typer.Option("--older-than", metavar="AGE", help="36h, 90d or 12w since recorded."),
        ],
        output: Annotated[
            Path | None,
            typer.Option(
                "--output",
                "-o",
                metavar="FILE",
                help="A new file (default: beside the database, numbered).",
            ),
        ] = None,
        database: DatabaseOption = None,
        ledger: LedgerOption = None,
    ) -> None:
        """Move old rows, and all rows that refer to them, into a file of their own.

        The file is read again and compared before anything is deleted. The ledger keeps every
        event; 'restore' puts the rows back.
        """
        session: Session = context.obj
        record = desk(session, pack, database, ledger).archive(_age_us(older_than), output)
        if session.output.is_json:
            session.output.emit({"archive": None if record is None else asdict(record)})
        elif record is None:
            session.output.say(f"no row is older than {shown(older_than)}")
        else:
            session.output.say(
                f"{counted(record.row_count, 'row')} moved into {shown(record.path)}"
            )

    return archive_command


def _age_us(text: str) -> int:
    match = _AGE.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} is no age", where="--older-than", fix="write 36h, 90d or 12w, for example"
        )
    return int(match[1]) * _UNITS_US[match[2]]


def _restore(pack: Pack) -> Callable[..., None]:
    def restore_command(
        context: typer.Context,
        archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="A file of 'archive'.")],
        database: DatabaseOption = None,
        ledger: LedgerOption = None,
    ) -> None:
        """Put the rows of an archive back. The file stays."""
        session: Session = context.obj
        found = desk(session, pack, database, ledger).restore(archive)
        if session.output.is_json:
            session.output.emit(
                {"number": found.number, "rows": found.rows, "is_rebuilt": found.must_rebuild}
            )
        else:
            how = (
                ", by a rebuild, for events had been refused meanwhile"
                if found.must_rebuild
                else ""
            )
            session.output.say(f"{counted(found.rows, 'row')} put back{how}")

    return restore_command


def _backup(pack: Pack) -> Callable[..., None]:
    def backup_command(
        context: typer.Context,
        path: Annotated[Path, typer.Argument(metavar="PATH", help="A new file.")],
        database: DatabaseOption = None,
    ) -> None:
        """Copy the pack's own database while it is used, and compare the copy row by row."""
        session: Session = context.obj
        done = desk(session, pack, database).backup(path)
        if session.output.is_json:
            session.output.emit(asdict(done))
        else:
            session.output.say(
                f"{shown(done.path)}: {counted(done.rows, 'row')} of"
                f" {counted(done.size, 'event')}, {shown_bytes(done.file_bytes)}; opened and"
                " compared"
            )

    return backup_command


def _maintain(pack: Pack) -> Callable[..., int]:
    def maintain_command(
        context: typer.Context,
        is_vacuuming: Annotated[
            bool, typer.Option("--vacuum", help="Give free space back; nobody may write meanwhile.")
        ] = False,
        database: DatabaseOption = None,
    ) -> int:
        """Check the file and its references, and refresh what the query planner knows.

        Exit status 1 when anything is wrong.
        """
        session: Session = context.obj
        done = desk(session, pack, database).maintain(is_vacuuming=is_vacuuming)
        if session.output.is_json:
            session.output.emit(asdict(done))
        else:
            for problem in done.problems:
                session.output.say(shown(problem))
            if done.problems:
                session.output.say("left as it is; 'rebuild' makes it anew from the ledger")
            else:
                session.output.say(
                    f"whole; {shown_bytes(done.bytes_before)} before,"
                    f" {shown_bytes(done.bytes_after)} after"
                )
        return EXIT_FOUND if done.problems else EXIT_DONE

    return maintain_command
