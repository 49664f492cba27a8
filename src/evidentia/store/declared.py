"""What packs declare, held against each other and against what a store has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, MetaData, Table, delete
from sqlalchemy.schema import DropTable

from evidentia.errors import PackError
from evidentia.pack.contract import Pack
from evidentia.store.schema import PROJECTIONS


def refuse_doubled(packs: Sequence[Pack]) -> None:
    """Return when no two relations of these packs have one name.

    Raises:
        PackError: Two have, be they tables or what is added up over them.
    """
    owners: dict[str, str] = {}
    for pack in packs:
        for name in relations_of(pack):
            if name in owners:
                raise PackError(
                    f"relation {name} is declared by pack {owners[name]} as well",
                    where=f"pack {pack.name}",
                    fix="give one of them another name, or ingest into another store",
                )
            owners[name] = pack.name


def relations_of(pack: Pack) -> tuple[str, ...]:
    """The relations that a pack's projections show."""
    summaries = (name for each in pack.summaries for name in each.relations)
    return (*summaries, *(each.name for each in pack.states))


def drop_retired(
    connection: Connection, packs: Sequence[Pack], stored: Iterable[tuple[str, int, str]]
) -> None:
    """Drop the tables whose relation their pack now adds up over another one.

    Args:
        connection: In a transaction.
        packs: Those that are registered; what is not declared by them at all stays.
        stored: Name, number and pack of every version in the store.
    """
    kept = {each.name for pack in packs for each in pack.projections}
    shown = {(name, pack.name) for pack in packs for name in relations_of(pack)}
    for name, number, pack_name in stored:
        if name in kept or (name, pack_name) not in shown:
            continue
        connection.execute(DropTable(Table(f"{name}_v{number}", MetaData()), if_exists=True))
        connection.execute(
            delete(PROJECTIONS).where(PROJECTIONS.c.name == name, PROJECTIONS.c.number == number)
        )
