"""The lease: one ingesting process per store at a time.

The lease is a row, so it is taken, renewed and checked in the same transactions as the data. A
holder that died is recognised at once on the same host (its process is gone, or the number now
belongs to another process) and after ``STALE_SECONDS`` without a heartbeat on another host.

What surprised: a lease cannot always be given back, for instance on a full disk. A process that
goes on after that must not be locked out by itself, so it remembers the leases it really holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from evidentia.errors import StoreHeldError
from evidentia.store.process import is_alive, is_this_process
from evidentia.store.schema import LEASE
from evidentia.store.values import Owner

STALE_SECONDS: Final = 60
"""A holder on another host that has not renewed its lease for this long is taken to be dead."""
_NAME: Final = "ingest"
_HELD_HERE: Final[set[str]] = set()


def take_lease(connection: Connection, owner: Owner, now_us: int) -> str:
    """Take the lease and return its token; inside the caller's transaction.

    Raises:
        StoreHeldError: Another process holds it and is not known to be dead.
    """
    refuse_if_held(connection, now_us)
    connection.execute(delete(LEASE).where(LEASE.c.name == _NAME))
    token = secrets.token_hex(16)
    connection.execute(
        insert(LEASE).values(
            name=_NAME,
            token=token,
            command=owner.command,
            actor=owner.actor,
            host=owner.host,
            pid=owner.pid,
            process_start=owner.process_start,
            taken_us=now_us,
            heartbeat_us=now_us,
        )
    )
    return token


def refuse_if_held(connection: Connection, now_us: int) -> None:
    """Pass only where nobody holds the lease, or the holder is dead.

    Raises:
        StoreHeldError: Another process holds it and is not known to be dead.
    """
    row = _row(connection)
    if row is None:
        return
    holder = _owner(row)
    idle_seconds = (now_us - row["heartbeat_us"]) / 1e6
    alive = is_alive(holder) and (not is_this_process(holder) or row["token"] in _HELD_HERE)
    if alive is False or (alive is None and idle_seconds > STALE_SECONDS):
        return
    raise StoreHeldError(
        f"the store is held by process {holder.pid} on {holder.host} "
        f"({holder.command}, user {holder.actor}), last heard of {max(0, idle_seconds):.0f} s ago",
        fix="wait until it has finished, or stop it; a holder that died is taken over by itself",
    )


def renew_lease(connection: Connection, token: str, now_us: int) -> None:
    """Show that the holder lives; inside the transaction whose rows it protects.

    Raises:
        StoreHeldError: The lease was taken over, so this process must not write any more.
    """
    renewed = connection.execute(
        update(LEASE)
        .where(LEASE.c.name == _NAME, LEASE.c.token == token)
        .values(heartbeat_us=now_us)
    )
    if renewed.rowcount != 1:
        raise StoreHeldError(
            "the lease on this store was taken over by another process",
            fix="let that process finish; run this command again afterwards",
        )


@contextmanager
def remembered(token: str) -> Iterator[None]:
    """Remember that this process holds a lease, until left."""
    _HELD_HERE.add(token)
    try:
        yield
    finally:
        _HELD_HERE.discard(token)


def release_lease(connection: Connection, token: str) -> None:
    """Give the lease back. A lease that was taken over is left alone."""
    connection.execute(delete(LEASE).where(LEASE.c.name == _NAME, LEASE.c.token == token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a store.

    Attributes:
        heartbeat_us: When it last showed that it lives, UTC microseconds.
        is_alive: Whether its process runs; None on another host, where only the heartbeat tells.
    """

    owner: Owner
    heartbeat_us: int
    is_alive: bool | None


def holder_of(connection: Connection) -> Holder | None:
    """Who holds the lease now, if anybody."""
    row = _row(connection)
    if row is None:
        return None
    owner = _owner(row)
    return Holder(owner=owner, heartbeat_us=row["heartbeat_us"], is_alive=is_alive(owner))


def _row(connection: Connection) -> RowMapping | None:
    return connection.execute(select(LEASE).where(LEASE.c.name == _NAME)).mappings().one_or_none()


def _owner(row: RowMapping) -> Owner:
    return Owner(
        actor=row["actor"],
        host=row["host"],
        pid=row["pid"],
        process_start=row["process_start"],
        command=row["command"],
    )
