"""A pack's own database as commands name it: its file, its ledger, its key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.pack_database import DATABASE
from evidentia.cli.session import Session

if TYPE_CHECKING:
    from evidentia.app.pack_database import PackDesk
    from evidentia.pack.contract import Pack

DatabaseOption = Annotated[Path | None, DATABASE]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="LEDGER",
        help="The ledger behind it, by name or folder (default: the pack's own of the "
        "configuration, else the folder beside the database that ends in .ledger).",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="REF", help="The signing key: env:NAME or file:PATH."),
]


def desk(
    session: Session,
    pack: Pack,
    path: Path | None,
    ledger: str | None = None,
    key: str | None = None,
) -> PackDesk:
    """What can be done with the database at a path, or at the pack's own place."""
    from evidentia.app.recording import database_path, desk_of  # noqa: PLC0415 - start-up time

    workspace = session.workspace()
    place = database_path(workspace, pack) if path is None else path
    return desk_of(workspace, pack, place, ledger=ledger, key=key, asked_by="the command line")
