"""The last tree head of each ledger, kept here as the second place that a ledger cannot rewrite.

A head is replaced under compare-and-swap and only ever steps forward. So a ledger that was put back
from an older copy, or one of the same name with other events, does not fit what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from evidentia.errors import StoreError
from evidentia.store.schema import TREE_HEADS


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A tree head as it is kept.

    Attributes:
        note: The signed tree head as it was written; empty where heads are not signed.
    """

    origin: str
    size: int
    root: bytes
    note: bytes = b""

    def __str__(self) -> str:
        """Size and root, as people compare them."""
        return f"{self.size} events with root {self.root.hex()}"


def stored_head(connection: Connection, origin: str) -> StoredHead | None:
    """The head that is kept of a ledger."""
    query = select(TREE_HEADS).where(TREE_HEADS.c.origin == origin)
    row = connection.execute(query).mappings().first()
    return None if row is None else _head_from(row)


def stored_heads(connection: Connection) -> tuple[StoredHead, ...]:
    """Every head that is kept, by origin."""
    rows = connection.execute(select(TREE_HEADS).order_by(TREE_HEADS.c.origin)).mappings()
    return tuple(_head_from(row) for row in rows)


def replace_head(
    connection: Connection, old: StoredHead | None, new: StoredHead, now_us: int
) -> None:
    """Keep a head in the place of another, inside the caller's transaction.

    A head that was signed anew is the same head: size and root are what is compared.

    Raises:
        StoreError: Another head is kept than the caller knows, or the new one is smaller, or has
            another root at the same size.
    """
    kept = stored_head(connection, new.origin)
    if _tree_of(kept) != _tree_of(old):
        raise StoreError(
            f"another tree head is kept: {kept or 'none'}; the caller knows {old or 'none'}",
            where=f"ledger {new.origin}",
            fix="only one writer at a time keeps heads of a ledger; look at both ledger and store",
        )
    values = {"size": new.size, "root": new.root, "note": new.note, "updated_us": now_us}
    if kept is None:
        connection.execute(insert(TREE_HEADS).values(origin=new.origin, **values))
        return
    if new.size < kept.size or (new.size == kept.size and new.root != kept.root):
        raise StoreError(
            f"a tree head of {new} does not follow the one that is kept: {kept}",
            where=f"ledger {new.origin}",
            fix="an older or other copy of the ledger was put back: restore the newer one",
        )
    connection.execute(update(TREE_HEADS).where(TREE_HEADS.c.origin == new.origin).values(**values))


def _tree_of(head: StoredHead | None) -> tuple[int, bytes] | None:
    return None if head is None else (head.size, head.root)


def _head_from(row: RowMapping) -> StoredHead:
    return StoredHead(
        origin=row["origin"], size=row["size"], root=bytes(row["root"]), note=bytes(row["note"])
    )
