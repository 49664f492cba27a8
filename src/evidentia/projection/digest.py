"""The digest of a table: equal tables have equal digests, on every engine.

A row's canonical form is the RFC 8785 array of its columns in declared order: NULL, texts, integers
(those that other readers of JSON would round, as texts). The digest is the RFC 6962 tree over the
rows in the order of their keys, so nobody can make two tables of one digest, and a row can be shown
to be in a table by a few hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evidentia.event.canonical import INTEGER_MAX, canonical_bytes
from evidentia.event.values import JsonValue
from evidentia.proof.tree import CompactRange, leaf_hash
from evidentia.store.values import SqlValue


def canonical_row(row: Sequence[SqlValue]) -> bytes:
    """The bytes of a row that are hashed."""
    return canonical_bytes([_canonical(value) for value in row])


def _canonical(value: SqlValue) -> JsonValue:
    if isinstance(value, int):
        return value if abs(value) <= INTEGER_MAX else str(value)
    # No declaration gives bytes or floats, but somebody's hand may have put some there.
    return value if value is None or isinstance(value, str) else repr(value)


class TableDigest:
    """The digest of a table whose rows come in the order of their keys."""

    def __init__(self) -> None:
        self._tree = CompactRange()

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self._tree.size

    def add(self, row: Sequence[SqlValue]) -> bytes:
        """Add a row and return its leaf hash."""
        leaf = leaf_hash(canonical_row(row))
        self._tree.append(leaf)
        return leaf

    def hexdigest(self) -> str:
        """The digest as 64 hexadecimal digits."""
        return self._tree.root().hex()


def table_digest(rows: Iterable[Sequence[SqlValue]]) -> str:
    """The digest of a whole table."""
    digest = TableDigest()
    for row in rows:
        digest.add(row)
    return digest.hexdigest()
