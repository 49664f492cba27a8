"""Whether a projection is what its events give: computed anew and compared, row by row.

Both sides are read in the order of their keys, from one snapshot, so memory does not grow with the
table. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from evidentia.errors import PackError, UsageError
from evidentia.pack.contract import Pack
from evidentia.projection.digest import TableDigest
from evidentia.store.projected import Projected
from evidentia.store.projections import StoredProjection
from evidentia.store.reader import StoreReader
from evidentia.store.tables import Declared, ProjectionTable, table_of
from evidentia.store.values import SqlValue

Row: TypeAlias = tuple[SqlValue, ...]

DRIFTS_KEPT: Final = 20
"""Drifted rows that are named; all are counted."""
SAMPLE_MAX: Final = 5_000
"""Keys of a sample. Each is some bound values of one statement, which has at most 32,766."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A row that is not what the events give.

    Attributes:
        key: The values of its keys, by name.
        was: What is stored, by column; None where nothing is.
        should_be: What the events give; None where they give no such row.
    """

    key: Mapping[str, object]
    was: Mapping[str, object] | None
    should_be: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionCheck:
    """What checking a projection found.

    Attributes:
        rows: Rows compared, those that only one side has included.
        digest: Of the stored table; None where it was not compared to its end.
        fresh_digest: Of what the events give; None likewise.
        drifts: The first rows that differ, in key order.
        problem: Why it is not current, or could not be compared; empty where all is well.
    """

    name: str
    pack: str
    batch_id: int = 0
    rows: int = 0
    digest: str | None = None
    fresh_digest: str | None = None
    drift_count: int = 0
    drifts: tuple[Drift, ...] = ()
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether the projection is current and no row differs."""
        return not self.problem and not self.drift_count


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionStatus:
    """A projection that a pack declares, and the version of it that the store shows, if any."""

    name: str
    pack: str
    title: str
    stored: StoredProjection | None


def declared(packs: Mapping[str, Pack]) -> dict[str, tuple[Pack, Declared]]:
    """Every projection of every pack, by name."""
    found = {each.name: (pack, each) for pack in packs.values() for each in pack.projections}
    return dict(sorted(found.items()))


def projections(reader: StoreReader, packs: Mapping[str, Pack]) -> tuple[ProjectionStatus, ...]:
    """Every declared projection, by name, and how it stands."""
    shown = {each.name: each for each in reader.projections() if each.state != "building"}
    return tuple(
        ProjectionStatus(name=name, pack=pack.name, title=each.title, stored=shown.get(name))
        for name, (pack, each) in declared(packs).items()
    )


def chosen(names: Sequence[str], packs: Mapping[str, Pack]) -> tuple[str, ...]:
    """The projections named, or all.

    Raises:
        UsageError: No pack declares one of that name.
    """
    known = declared(packs)
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no projection {name}", fix="list them: evidentia projection list"
            )
    return tuple(names) or tuple(known)


def check(
    reader: StoreReader, packs: Mapping[str, Pack], name: str, sample: int | None = None
) -> ProjectionCheck:
    """Compute a projection anew from the stored events and compare it with what is stored.

    Args:
        reader: A snapshot of the store.
        packs: Every pack by name.
        name: The projection.
        sample: Compare about so many rows, spread over the table, instead of all.

    Raises:
        UsageError: The sample is empty or too large.
    """
    if sample is not None and not 0 < sample <= SAMPLE_MAX:
        raise UsageError(f"a sample has 1 to {SAMPLE_MAX:,} rows, not {sample:,}")
    pack, projection = declared(packs)[name]
    shown = {each.name: each for each in reader.projections() if each.state != "building"}
    stored = shown.get(name)
    if stored is None:
        return ProjectionCheck(name=name, pack=pack.name, problem="the store does not have it yet")
    projected = reader.projected(table_of(pack, projection, stored.number))
    if projected.table.declaration != stored.declaration:
        problem = "the pack declares it otherwise now; the next command that writes makes it anew"
        return ProjectionCheck(name=name, pack=pack.name, problem=problem)
    walk = _Walk(projected.table)
    keys = None if sample is None else _spread(projected, stored.batch_id, sample)
    is_whole = sample is None
    problem = stored.detail if stored.state == "halted" else _behind(reader, stored)
    if keys != []:
        try:
            walk.compare(projected.stored(keys), projected.fresh(stored.batch_id, keys))
        except PackError as error:
            problem, is_whole = f"it cannot be computed: {error}", False
    return ProjectionCheck(
        name=name,
        pack=pack.name,
        batch_id=stored.batch_id,
        rows=walk.rows,
        digest=walk.stored.hexdigest() if is_whole else None,
        fresh_digest=walk.fresh.hexdigest() if is_whole else None,
        drift_count=walk.drift_count,
        drifts=tuple(walk.drifts),
        problem=problem,
    )


def _spread(projected: Projected, batch_id: int, sample: int) -> list[Row]:
    """Keys of about so many rows: half of the table, half of the events, which may lack there."""
    stored = projected.stored_keys(sample)
    wanted = projected.event_keys(batch_id, max(1, sample // 2))
    missing = [key for key in wanted if key not in set(stored)]
    kept = min(sample - len(missing), len(stored))
    return [*(stored[place * len(stored) // kept] for place in range(kept)), *missing]


def _behind(reader: StoreReader, stored: StoredProjection) -> str:
    newest = reader.newest_batch()
    if stored.batch_id == newest:
        return ""
    return f"it stands at batch {stored.batch_id} of {newest}"


class _Walk:
    """Two tables in the order of their keys, side by side."""

    def __init__(self, table: ProjectionTable) -> None:
        self.table = table
        self.stored = TableDigest()
        self.fresh = TableDigest()
        self.rows = 0
        self.drift_count = 0
        self.drifts: list[Drift] = []
        self._keys = len(table.keys)

    def compare(self, stored: Iterator[Row], fresh: Iterator[Row]) -> None:
        """Walk both to their ends."""
        was, wanted = next(stored, None), next(fresh, None)
        while was is not None or wanted is not None:
            before, after = self._key(was), self._key(wanted)
            has_was = after is None or (before is not None and before <= after)
            has_wanted = before is None or (after is not None and after <= before)
            self._meet(was if has_was else None, wanted if has_wanted else None)
            was = next(stored, None) if has_was else was
            wanted = next(fresh, None) if has_wanted else wanted

    def _key(self, row: Row | None) -> list[tuple[bool, object]] | None:
        # Integers before texts, as the engine sorts what somebody may have put into a column.
        return None if row is None else [(type(v) is not int, v) for v in row[: self._keys]]

    def _meet(self, was: Row | None, wanted: Row | None) -> None:
        self.rows += 1
        if was is not None:
            self.stored.add(was[: self.table.digested])
        if wanted is not None:
            self.fresh.add(wanted[: self.table.digested])
        if was == wanted:
            return
        self.drift_count += 1
        if len(self.drifts) < DRIFTS_KEPT:
            shown = self._shown(was), self._shown(wanted)
            either = shown[0] or shown[1] or {}
            keys = {name: either[name] for name in self.table.keys}
            self.drifts.append(Drift(key=keys, was=shown[0], should_be=shown[1]))

    def _shown(self, row: Row | None) -> dict[str, object] | None:
        if row is None:
            return None
        # What a row keeps besides stands behind its columns.
        shown = zip(self.table.columns, row, strict=False)
        return {name: self.table.shown(name, value) for name, value in shown}
