"""``repair check``, ``validate`` and ``rebuild-stale``: what is run every so often.

Each is a plain function over a workspace, fit for cron as a command and for a program as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.errors import LedgerDamagedError
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.command import (
    CommandResult,
    Line,
    Note,
    PackCommand,
    Part,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import LedgerEvent, LedgerState, Workspace
from evidentia.packs.repair.commands_past import sessions_of
from evidentia.packs.repair.desk import Problem, read_repair
from evidentia.packs.repair.digest import DigestStanding
from evidentia.packs.repair.repair_event import KIND, RepairEvent
from evidentia.packs.repair.replay import calculate_session_digest
from evidentia.packs.repair.rows import standing_of

FINDINGS_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with an event of the ledger."""

    sequence: int
    event_id: str | None
    kind: str
    where: str
    detail: str

    def to_json(self) -> JsonObject:
        """As part of a document."""
        return {
            "sequence": self.sequence,
            "event_id": self.event_id,
            "kind": self.kind,
            "where": self.where,
            "detail": self.detail,
        }


@dataclass(slots=True)
class _Found:
    """What reading the ledger's repair events found."""

    findings: list[Finding]
    standings: Counter[str]
    events: list[RepairEvent]

    def take(self, event: LedgerEvent) -> None:
        """Judge one event of the ledger."""
        if event.event_type != KIND:
            return
        found = read_repair(event)
        if isinstance(found, Problem):
            self.findings.append(_finding(event, "unreadable", found.detail))
            return
        standing = standing_of(found)
        self.standings[standing.value] += 1
        self.events.append(found)
        if standing is DigestStanding.INVALID:
            self.findings.append(_finding(event, "bad_digest", standing.value))


def _finding(event: LedgerEvent, kind: str, detail: str) -> Finding:
    where = f"{event.path}, byte {event.byte_offset}"
    return Finding(
        sequence=event.sequence, event_id=event.id, kind=kind, where=where, detail=detail
    )


def every_event(workspace: Workspace) -> Iterator[LedgerEvent]:
    """The ledger's events, going on behind those that cannot be read.

    What cannot be read is for ``Workspace.ledger_state`` to name.
    """
    after = 0
    end = workspace.ledger_state().size
    while after < end:
        try:
            for event in workspace.ledger_events(after):
                yield event
                after = event.sequence + 1
        except LedgerDamagedError:
            # Or one in the batch that it is in, which is read anew from there.
            after += 1
        else:
            return


def check(workspace: Workspace) -> CommandResult:
    """Verify the ledger, and the digest of every repair event in it.

    The chain covers every byte of every line; an event's digest covers every field of the repair.
    Whatever is wrong is named with its event. Exit status 1 if anything is.
    """
    state = workspace.ledger_state()
    found = _Found(
        [
            Finding(
                sequence=each.sequence,
                event_id=None,
                kind=each.kind,
                where=each.where,
                detail=each.detail,
            )
            for each in state.findings
        ],
        Counter(),
        [],
    )
    for event in every_event(workspace):
        found.take(event)
    sessions: list[JsonValue] = [
        {
            "session_id": name,
            "events": len(events),
            "session_digest": calculate_session_digest(events),
        }
        for name, events in sessions_of(found.events).items()
    ]
    return CommandResult(
        document={
            "ledger": state.name,
            "size": state.size,
            "level": state.level,
            "sentence": state.sentence,
            "digests": dict(found.standings),
            "sessions": sessions,
            "findings": [each.to_json() for each in found.findings],
        },
        parts=tuple(_check_parts(state, found)),
        is_finding=bool(found.findings),
    )


def _check_parts(state: LedgerState, found: _Found) -> Iterator[Part]:
    yield Line(
        text=f"{len(found.events):,} repair events among {state.size:,} events of {state.name}"
    )
    for standing, count in sorted(found.standings.items()):
        yield Line(text=f"  {count:,}  {standing}")
    if state.level is not None:
        yield Line(text=f"level {state.level}: {state.sentence}")
    if found.findings:
        yield findings_table(found.findings[:FINDINGS_SHOWN])
    more = max(len(found.findings), state.finding_count) - FINDINGS_SHOWN
    if more > 0:
        yield Note(text=f"and {more:,} more")


def findings_table(findings: Sequence[Finding]) -> Table:
    """Findings for people."""
    return Table(
        columns=(
            TableColumn(title="event", is_number=True),
            TableColumn(title="what"),
            TableColumn(title="detail"),
            TableColumn(title="where", is_optional=True),
        ),
        rows=[(each.sequence, each.kind, each.detail, each.where) for each in findings],
        is_whole=True,
    )


CHECK: Final = PackCommand(
    name="check", run=check, example="evidentia repair check", reads_ledger=True
)
