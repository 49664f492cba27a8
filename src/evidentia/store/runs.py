"""The runs of a store: who wrote to it, when, and how that ended."""

from __future__ import annotations

from sqlalchemy import Connection, insert, update

from evidentia.store.schema import RUNS
from evidentia.store.values import Owner


def begin_run(connection: Connection, owner: Owner, version: str, now_us: int) -> int:
    """Record that a run begins, and return its id."""
    made = connection.execute(
        insert(RUNS)
        .values(
            command=owner.command,
            actor=owner.actor,
            host=owner.host,
            pid=owner.pid,
            version=version,
            started_us=now_us,
        )
        .returning(RUNS.c.id)
    )
    return int(made.scalar_one())


def end_run(connection: Connection, run_id: int, outcome: str, now_us: int) -> None:
    """Record how a run ended."""
    connection.execute(
        update(RUNS).where(RUNS.c.id == run_id).values(finished_us=now_us, outcome=outcome)
    )
