"""``repair validate`` and ``rebuild-stale``: whether the store has what the ledger gives.

Jobs to be run every so often. Each is a plain function over a workspace, fit for cron as a command
and for a program as it is. The ledger is the measure; the store's rows are compared with a whole
replay of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from evidentia.event.canonical import canonical_bytes
from evidentia.event.values import JsonObject
from evidentia.pack.command import (
    CommandResult,
    Line,
    Note,
    Option,
    PackCommand,
    Part,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import CellValue, Workspace
from evidentia.packs.repair.commands_past import sessions_of
from evidentia.packs.repair.desk import Problem, played, repairs
from evidentia.packs.repair.repair_event import RepairEvent

STATE: Final = "sessions_materialized"
SAMPLE: Final = 5
REBUILT_MAX: Final = 10
"""Sessions that one run of ``rebuild-stale`` deals with."""
_RANDOM_BYTES: Final = 8
_REBUILD: Final = f"evidentia projection rebuild {STATE}"


class Standing(StrEnum):
    """How a session's row stands against the ledger. The words are stable."""

    CURRENT = "current"
    MISSING = "missing"
    """The store has no row for it."""
    BEHIND = "behind"
    """The row is what earlier events of it give."""
    DRIFTED = "drifted"
    """The row is nothing that its events ever gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A session, compared."""

    session_id: str
    standing: Standing
    events: int
    stored_events: int | None
    detail: str = ""

    def to_json(self) -> JsonObject:
        """As part of a document."""
        return {
            "session_id": self.session_id,
            "standing": self.standing.value,
            "events": self.events,
            "stored_events": self.stored_events,
            "detail": self.detail,
        }


def compare_session(
    workspace: Workspace, events: Sequence[RepairEvent], problems: Iterable[Problem] = ()
) -> Compared:
    """A session's row against a whole replay of its events.

    Args:
        workspace: Where the store is.
        events: All of the session's events in the ledger; at least one.
        problems: Events of the ledger that cannot be read.

    Raises:
        StoreError: There is no store, or it fails.
    """
    session_id = events[0].session_id
    record = _record(workspace, session_id)
    if record is None:
        return Compared(
            session_id=session_id,
            standing=Standing.MISSING,
            events=len(events),
            stored_events=None,
            detail="the store has no row for it",
        )
    stored = _number(record["event_count_at_materialization"]) + _number(record["pending_count"])
    problems = tuple(problems)
    wrong = _differences(events, record, problems)
    standing = Standing.DRIFTED if wrong else Standing.CURRENT
    if wrong and stored < len(events) and not _differences(events[:stored], record, problems):
        standing, wrong = Standing.BEHIND, [f"{len(events) - stored:,} events behind"]
    return Compared(
        session_id=session_id,
        standing=standing,
        events=len(events),
        stored_events=stored,
        detail="; ".join(wrong),
    )


def _record(workspace: Workspace, session_id: str) -> dict[str, CellValue] | None:
    found = workspace.query("repair_materialized", {"session_id": session_id, "limit": "1"})
    record = next(found.records(), None)
    return record if record is not None and record["session_id"] == session_id else None


def _number(value: CellValue) -> int:
    return value if isinstance(value, int) else 0


def _differences(
    events: Sequence[RepairEvent], record: dict[str, CellValue], problems: Iterable[Problem]
) -> list[str]:
    """In what a row differs from the replay of some events."""
    result = played(events, None, problems).result()
    wanted: dict[str, CellValue] = {
        "message_parents": canonical_bytes(dict(result.message_parents)).decode(),
        "event_count_at_materialization": result.total_events - result.pending_events,
        "last_event_id": result.last_event_id,
        "materialization_digest": result.session_digest,
    }
    return [f"{name} differs" for name, value in wanted.items() if record[name] != value]


def validate(
    workspace: Workspace,
    *,
    sample: Annotated[
        int, Option(metavar="N", help="How many sessions, chosen at random.", at_least=1)
    ] = SAMPLE,
) -> CommandResult:
    """Replay some random sessions wholly from the ledger, and compare with the store's rows.

    Exit status 1 where a row is missing, behind or drifted.
    """
    found = repairs(workspace)
    by_session = sessions_of(found.events)
    chosen = _sample(workspace, sorted(by_session), sample)
    compared = [compare_session(workspace, by_session[each], found.problems) for each in chosen]
    wrong = [each for each in compared if each.standing is not Standing.CURRENT]
    return CommandResult(
        document={
            "sessions": len(by_session),
            "compared": [each.to_json() for each in compared],
            "wrong": len(wrong),
        },
        parts=tuple(_validate_parts(len(by_session), compared, wrong)),
        is_finding=bool(wrong),
    )


def _validate_parts(
    count: int, compared: Sequence[Compared], wrong: Sequence[Compared]
) -> Iterator[Part]:
    yield Line(text=f"{len(compared):,} of {count:,} sessions replayed and compared")
    if compared:
        yield _table(compared)
    if any(each.standing is Standing.DRIFTED for each in wrong):
        yield Note(text=f"make the rows anew: {_REBUILD}")
    elif wrong:
        yield Note(text="read into the store what it lacks: evidentia repair rebuild-stale")


def _table(compared: Sequence[Compared]) -> Table:
    return Table(
        columns=(
            TableColumn(title="session"),
            TableColumn(title="standing"),
            TableColumn(title="events", is_number=True),
            TableColumn(title="detail", is_cut=True),
        ),
        rows=[
            (each.session_id, each.standing.value, each.events, each.detail) for each in compared
        ],
    )


def _sample(workspace: Workspace, names: list[str], count: int) -> list[str]:
    """Some of the names, any as likely as any other, in order."""
    left = [*names]
    chosen: list[str] = []
    while left and len(chosen) < count:
        at = int(workspace.random_hex(_RANDOM_BYTES), 16) % len(left)
        left[at], left[-1] = left[-1], left[at]
        chosen.append(left.pop())
    return sorted(chosen)


def rebuild_stale(
    workspace: Workspace,
    *,
    limit: Annotated[
        int, Option(metavar="N", help="At most so many sessions.", at_least=1, at_most=REBUILT_MAX)
    ] = REBUILT_MAX,
) -> CommandResult:
    """Bring stale sessions of the store to where the ledger is; at most ten in a run.

    First the store reads what it lacks of the ledger. Where a row is then still not what its events
    give, the rows are made anew from the stored events. Exit status 1 if that did not help either.
    """
    found = repairs(workspace)
    by_session = sessions_of(found.events)
    compared = (
        compare_session(workspace, events, found.problems) for events in by_session.values()
    )
    every = [each for each in compared if each.standing is not Standing.CURRENT]
    stale = every[:limit]
    read = workspace.complete_store() if stale else 0

    def still(those: Sequence[Compared]) -> list[Compared]:
        again = (
            compare_session(workspace, by_session[each.session_id], found.problems)
            for each in those
        )
        return [each for each in again if each.standing is not Standing.CURRENT]

    left = still(stale)
    is_rebuilt = bool(left)
    if is_rebuilt:
        workspace.rebuild_projection(STATE)
        left = still(left)
    return CommandResult(
        document={
            "sessions": len(by_session),
            "stale": [each.to_json() for each in stale],
            "read_events": read,
            "is_rebuilt": is_rebuilt,
            "still_wrong": [each.to_json() for each in left],
            "not_dealt_with": len(every) - len(stale),
        },
        parts=(
            Line(text=f"{len(every):,} of {len(by_session):,} sessions were stale"),
            *([_table(stale)] if stale else []),
            *([Line(text=f"{read:,} events were read from the ledger")] if read else []),
            *([Line(text=f"the rows of {STATE} were made anew")] if is_rebuilt else []),
            *(Note(text=f"{each.session_id}: still {each.standing.value}") for each in left),
        ),
        is_finding=bool(left),
    )


COMMANDS: Final = (
    PackCommand(
        name="validate",
        run=validate,
        example="evidentia repair validate --sample 5",
        reads_ledger=True,
    ),
    PackCommand(
        name="rebuild-stale",
        run=rebuild_stale,
        example="evidentia repair rebuild-stale",
        reads_ledger=True,
    ),
)
