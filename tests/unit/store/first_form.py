"""A store as the first migration alone makes it, with rows in every table that refers to others."""

from __future__ import annotations

import importlib.resources
import sqlite3
from contextlib import closing

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect

from evidentia.store import registration, relations, sqlite
from evidentia.store.opening import Store

from .kit import NOW_US, PACK

ROWS = """
INSERT INTO runs (id, command, actor, host, pid, version, started_us)
    VALUES (1, 'ingest', 'a', 'h', 1, '0', 1700000000000000);
INSERT INTO logs (id, source, pack, is_lenient, created_us) VALUES (1, '/logs/*', 'demo', 0, 1);
INSERT INTO segments (id, log_id, path, compression, device, inode, head_bytes, head_hash,
    anchor_bytes, anchor_hash, checkpoint, next_line, state, tail_bytes, last_size,
    last_mtime_us, created_us)
    VALUES (1, 1, '/logs/a', 'none', -1, 2, 1, x'68', 1, x'61', 200, 3, 'live', 7, 207, 5, 11),
           (2, 1, '/logs/b.gz', 'gz', 1, 3, 1, x'68', 1, x'61', 0, 1, 'broken', 0, 9, 5, 12);
INSERT INTO kinds (id, name) VALUES (1, 'login');
INSERT INTO batches (id, segment_id, byte_start, byte_end, first_line, next_line, event_count,
    dead_letter_count, blank_bytes, bom_bytes, nul_bytes, digest, chain, run_id, committed_us)
    VALUES (1, 1, 0, 200, 1, 3, 1, 1, 0, 0, 0, x'01', x'02', 1, 1700000000000000);
INSERT INTO event_rows (id, batch_id, line_no, kind_id, raw, sha256, flags, event_id, role)
    VALUES (1099511627776, 1, 1, 1, x'7b7d', x'03', 0, 'e1', 'admin');
INSERT INTO schema_findings (id, schema, message) VALUES (1099511627776, 'demo.event', 'odd');
INSERT INTO dead_letter_rows (id, batch_id, line_no, reason, column_no, detail, raw, length,
    has_newline, sha256) VALUES (1099511627876, 1, 2, 'syntax', 1, 'd', x'78', 100, 1, x'04');
INSERT INTO fillers (id, batch_id, kind, length, raw) VALUES (1099511627976, 1, 'nul', 9, NULL);
INSERT INTO gap_rows (segment_id, byte_offset, kind, detail, evidence, found_us)
    VALUES (2, 0, 'corrupt_archive', 'd', '{}', 1700000000000000);
"""


def make_first_form(store: Store, *statements: str) -> None:
    """Make the store, and change it with some statements that nothing checks."""
    engine = sqlite.open_engine(store.path, is_read_only=False)
    with engine.begin() as connection:
        _migrate_to_first(connection)
        tables = set(inspect(connection).get_table_names())
        for statement in relations.trigger_statements(connection.dialect.name):
            if statement.split(" ON ")[1].split()[0] in tables:
                connection.exec_driver_sql(statement)
        registration.register_pack(connection, PACK, NOW_US)
    engine.dispose()
    with closing(sqlite3.connect(store.path)) as raw, raw:
        raw.executescript(ROWS)
        for statement in statements:
            raw.execute(statement)


def _migrate_to_first(connection: Connection) -> None:
    config = Config()
    scripts = importlib.resources.files("evidentia.store").joinpath("migrations")
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
