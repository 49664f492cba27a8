"""Bring a database to the newest form with Alembic; refuse one that is newer than this program."""

from __future__ import annotations

import importlib.resources
from typing import Final

from sqlalchemy import Connection, inspect

from evidentia.errors import StoreDamagedError, StoreVersionError

HEAD_REVISION: Final = "0004"
"""The newest migration in ``migrations/versions``. A constant, so that opening an up-to-date store
does not import Alembic; a test compares it with the folder."""


def current_revision(connection: Connection) -> str | None:
    """The migration a database stands at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found else None


def is_current(connection: Connection) -> bool:
    """Whether nothing is left to migrate.

    Raises:
        StoreVersionError: The database was written by a newer evidentia.
    """
    found = current_revision(connection)
    if found is not None and found > HEAD_REVISION:
        raise StoreVersionError(
            f"the store has form {found}, this program knows forms up to {HEAD_REVISION}",
            fix="upgrade evidentia, or ingest the logs into another store",
        )
    return found == HEAD_REVISION


STORE_MIGRATIONS: Final = "migrations"
DERIVED_MIGRATIONS: Final = "derived_migrations"


def upgrade(connection: Connection, folder: str = STORE_MIGRATIONS, **attributes: object) -> None:
    """Apply every missing migration on this connection, inside its transaction.

    Args:
        connection: With a transaction open.
        folder: Which list of migrations, as a folder of this package.
        attributes: What the migrations of that list need to know.

    Raises:
        StoreDamagedError: The database says of itself that it has a form that never was.
    """
    from alembic import command  # noqa: PLC0415 - 100 ms that only an outdated store pays
    from alembic.config import Config  # noqa: PLC0415 - comes with the above
    from alembic.util import CommandError  # noqa: PLC0415 - comes with the above

    config = Config()
    with importlib.resources.as_file(
        importlib.resources.files("evidentia.store").joinpath(folder)
    ) as scripts:
        config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        config.attributes.update(attributes, connection=connection)
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreDamagedError(
                f"the store's form is unknown: {error}",
                fix="the log is the evidence: move the file away and ingest again",
            ) from error
