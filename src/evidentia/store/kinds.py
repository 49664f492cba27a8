"""Kinds of events by their small numbers, made on first sight and remembered between batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, insert, select

from evidentia.store.schema import KINDS
from evidentia.store.transacting import Transactions

_KNOWN_KINDS_MAX: Final = 100_000
"""Kinds remembered between batches. A hostile log may hold a new kind on every line."""
_KINDS_ASKED: Final = 1_000
"""Kinds looked up by one statement; SQLite binds at most 32,766 values."""


class Kinds:
    """The kinds that were seen, and the store's numbers for them."""

    def __init__(self, connection: Connection, transactions: Transactions) -> None:
        self._connection = connection
        self._transactions = transactions
        self._known: dict[str, int] = {}

    def forget(self) -> None:
        """Forget them: a transaction that made some was rolled back."""
        self._known = {}

    def ids(self, names: Iterable[str]) -> dict[str, int]:
        """The id of at least every kind named, made on first sight."""
        wanted = set(names)
        missing = sorted(wanted - self._known.keys())
        if missing:
            found = self._made(missing)
            if len(self._known) + len(found) > _KNOWN_KINDS_MAX:
                self._known = {name: self._known[name] for name in wanted - found.keys()}
            self._known.update(found)
        return self._known

    def _made(self, names: Sequence[str]) -> dict[str, int]:
        with self._transactions.writing():
            found = self._stored(names)
            new = [name for name in names if name not in found]
            if new:
                self._connection.execute(insert(KINDS), [{"name": name} for name in new])
                found |= self._stored(new)
        return found

    def _stored(self, names: Sequence[str]) -> dict[str, int]:
        known: dict[str, int] = {}
        for start in range(0, len(names), _KINDS_ASKED):
            asked = KINDS.c.name.in_(names[start : start + _KINDS_ASKED])
            query = select(KINDS.c.name, KINDS.c.id).where(asked)
            known.update({row.name: row.id for row in self._connection.execute(query)})
        return known
