"""The migrations and the schema say the same, and cost nothing where nothing is to be done."""

from __future__ import annotations

import importlib.resources
import re
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from evidentia.errors import StoreError
from evidentia.store import migrate, relations, sqlite
from evidentia.store.opening import Store
from evidentia.store.schema import METADATA

from .kit import writing


def test_migrations_give_the_schema(store: Store) -> None:
    """SC-07: a store upgraded from nothing has exactly the tables that the code works with."""
    store.create()
    engine = sqlite.open_engine(store.path, is_read_only=False)

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        differences = compare_metadata(context, METADATA)
    engine.dispose()

    assert differences == []


def test_migrated_tables_have_the_constraints_and_are_strict(store: Store) -> None:
    """SC-03: what the comparison above cannot see: STRICT, CHECK and the parts of each index."""
    expected = Store(path=store.path.with_name("expected.db"))
    engine = sqlite.open_engine(expected.path, is_read_only=False)
    with engine.begin() as connection:
        METADATA.create_all(connection)
        wanted = _shape(connection)
    engine.dispose()
    store.create()
    engine = sqlite.open_engine(store.path, is_read_only=False)

    with engine.connect() as connection:
        found = _shape(connection)
    engine.dispose()

    assert found == wanted


def _shape(connection):
    inspector = inspect(connection)
    tables = sorted(METADATA.tables)
    strict = connection.exec_driver_sql(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    )
    return {
        "strict": {name: is_strict for name, is_strict in strict if name in tables},
        "checks": {name: inspector.get_check_constraints(name) for name in tables},
        "keys": {
            name: sorted(str(key) for key in inspector.get_foreign_keys(name)) for name in tables
        },
        "indexes": {
            name: [
                (index["name"], index["column_names"], index["unique"])
                for index in sorted(inspector.get_indexes(name), key=lambda each: each["name"])
            ]
            for name in tables
        },
    }


def test_every_table_is_strict() -> None:
    """SC-03: a table that is added later is strict as well."""
    assert {table.dialect_options["sqlite"]["strict"] for table in METADATA.tables.values()} == {
        True
    }


def test_the_newest_migration_is_the_one_the_program_expects() -> None:
    """The constant that spares an up-to-date store the migrator cannot fall behind the folder."""
    versions = importlib.resources.files("evidentia.store").joinpath("migrations/versions")

    numbers = sorted(
        found.group(1)
        for each in versions.iterdir()
        if (found := re.fullmatch(r"(\d{4})_\w+\.py", each.name))
    )

    assert numbers[-1] == migrate.HEAD_REVISION
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize(
    "name",
    ["sql/triggers_sqlite.sql", "migrations/script.py.mako", "migrations/env.py"],
)
def test_what_the_store_reads_at_run_time_comes_with_the_package(name: str) -> None:
    """Statements and migrations are package data, found without knowing where it is installed."""
    assert importlib.resources.files("evidentia.store").joinpath(name).read_text("utf-8")


def test_opening_a_current_store_does_not_load_the_migrator(store: Store) -> None:
    """Start-up is quick: Alembic is for outdated stores."""
    store.create()
    code = (
        "import sys; from pathlib import Path; from evidentia.store.opening import Store\n"
        "store = Store(path=Path(sys.argv[1]))\n"
        "with store.writer((), command='x', clock=lambda: 1, version='0'): pass\n"
        "with store.reader() as reader: reader.counts()\n"
        "sys.exit('alembic' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(store.path)], check=False, timeout=60)

    assert done.returncode == 0


def test_a_migration_that_fails_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2: tables, triggers, views and the form's number come together or not at all."""

    def fail(*_: object) -> None:
        raise StoreError("views are out")

    monkeypatch.setattr(relations, "create_views", fail)
    with pytest.raises(StoreError, match="views are out"):
        store.create()
    engine = sqlite.open_engine(store.path, is_read_only=True)
    with engine.connect() as connection:
        left = inspect(connection).get_table_names()
    engine.dispose()
    monkeypatch.undo()

    store.create()

    assert left == []
    with store.reader() as reader:
        assert reader.notices() == ()


def test_a_dropped_trigger_is_noticed_and_restored(store: Store) -> None:
    """IT-15: protection that another program removed is missed, put back and recorded."""
    with writing(store):
        pass
    with closing(sqlite.sqlite3.connect(store.path)) as connection:
        connection.execute("DROP TRIGGER batches_no_update")
    with store.reader() as reader:
        (notice,) = reader.notices()

    with writing(store), store.reader() as reader:
        (entry,) = reader.audit_entries(limit=9)
        assert reader.notices() == ()

    assert notice.startswith("the trigger batches_no_update is missing")
    assert (entry.action, entry.subject) == ("restore trigger", "batches_no_update")
