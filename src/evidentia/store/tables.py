"""What the table of a projection can do, whichever kind it is of, and which tables packs declare.

Both kinds have one version of a table each, ``<name>_v<number>``; what shows it, keeps it current
and compares it with the events needs no more than this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table

from evidentia.errors import PackError
from evidentia.pack.contract import Pack
from evidentia.pack.state import State
from evidentia.pack.summary import Summary
from evidentia.store.declared import relations_of
from evidentia.store.relations import VIEWS
from evidentia.store.schema import METADATA
from evidentia.store.spans import Span
from evidentia.store.states import StateTable
from evidentia.store.streaming import AnySelect, Rows
from evidentia.store.summaries import SummarySql

Declared: TypeAlias = Summary | State
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ProjectionTable(Protocol):
    """One version of a projection's table.

    Attributes:
        pack: The name of the pack that declares it.
        keys: The columns that its rows are told apart by, the first ones.
        columns: Those that the relation shows and that are stored, keys first. What a row keeps
            besides stands behind them.
        digested: How many of the first columns of a row its digest covers: all that do not
            depend on the order in which logs were met.
        declaration: What the table is made by, as JSON.
    """

    name: str
    pack: str
    number: int
    table: Table
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    digested: int
    declaration: str

    def create(self, connection: Connection) -> None:
        """Make the table, empty, with its indexes."""

    def show(self, connection: Connection) -> None:
        """Let the public relation show this table."""

    def shown(self, name: str, value: object) -> object:
        """A stored value of a column as the public relation shows it."""

    def merge(self, connection: Connection, spans: Sequence[Span], batch_id: int) -> None:
        """Take in the events of some spans, which are those up to a batch that the table lacks.

        Raises:
            PackError: The pack's own code failed.
            StoreError: The engine refuses, among other things.
        """

    def stored(self, keys: Sequence[tuple[object, ...]] | None = None) -> AnySelect:
        """The rows of the table in key order, or those of some keys."""

    def fresh(
        self, rows: Rows, batch_id: int, keys: Sequence[tuple[object, ...]] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that all events up to a batch give, in key order, or those of some keys."""

    def keys_in(self, rows: Rows, among: ColumnElement[bool]) -> AnySelect:
        """The keys of some events, in the order of their positions."""


def table_of(pack: Pack, declared: Declared, number: int) -> ProjectionTable:
    """One version of a projection's table."""
    if isinstance(declared, State):
        return StateTable(pack, declared, number)
    return SummarySql(pack, declared, number)


def check_names(pack: Pack) -> None:
    """Refuse names that cannot stand in DDL or are taken.

    Raises:
        PackError: A projection or one of its columns is misnamed, or has a name of the store's own.
    """
    names = [*relations_of(pack)]
    names += [name for each in pack.projections for name in _columns(each)]
    bad = sorted({name for name in names if not _NAME.fullmatch(name)})
    bad += sorted({*relations_of(pack)} & {*METADATA.tables, *VIEWS})
    if bad:
        raise PackError(
            f"these names are not for projections or their columns: {', '.join(bad)}",
            where=f"pack {pack.name}",
            fix="use lower-case identifiers of at most 40 letters that the store does not use",
        )


def _columns(declared: Declared) -> Iterable[str]:
    if isinstance(declared, State):
        return declared.column_names
    rolled = (name for rollup in declared.rollups for name in rollup.columns)
    return (*declared.columns, *(score.name for score in declared.scores), *rolled)
