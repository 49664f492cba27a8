"""``repair history``, ``as-of`` and ``stats``: what was repaired, by whom, and what holds.

All of it comes from one replay, so the numbers agree. Reads only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from evidentia.errors import UsageError
from evidentia.event.timestamp import parse_time
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.command import (
    Argument,
    CommandResult,
    Line,
    Note,
    Option,
    PackCommand,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import Workspace
from evidentia.packs.repair.desk import (
    Problem,
    Repairs,
    by_session,
    conversations,
    played,
    repairs,
)
from evidentia.packs.repair.fold import is_active
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.replay import events_until
from evidentia.packs.repair.rows import standing_of
from evidentia.packs.repair.values import ReplayResult

_RELATIVE: Final = re.compile(r"-?(\d{1,6})(s|m|h|d|w)")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def sessions_of(events: Iterable[RepairEvent]) -> dict[str, list[RepairEvent]]:
    """Events by session, in the order in which sessions begin."""
    found: dict[str, list[RepairEvent]] = {}
    for event in events:
        found.setdefault(event.session_id, []).append(event)
    return found


def statuses(events: Sequence[RepairEvent], problems: Sequence[Problem] = ()) -> dict[int, str]:
    """What became of each event of a session, by its position.

    ``active``, ``reverted``, or why it had no effect; ``pending`` behind one that cannot be
    trusted.
    """
    replay = played(events, None, problems)
    result = replay.result()
    refused = {each.position: each.reason.value for each in result.refusals}
    stop = result.stopped
    found: dict[int, str] = {}
    for place, event in enumerate(events):
        position = place if event.position is None else event.position
        if stop is not None and position >= stop.position:
            found[position] = stop.reason.value if position == stop.position else "pending"
        elif position in refused:
            found[position] = refused[position]
        else:
            found[position] = "active" if is_active(replay.fold, event.event_id) else "reverted"
    return found


def event_json(event: RepairEvent, status: str) -> JsonObject:
    """An event with its place and what became of it."""
    return {
        **event.to_dict(),
        "position": event.position,
        "recorded_at": event.created_at,
        "digest": standing_of(event).value,
        "status": status,
    }


def history(
    workspace: Workspace,
    *,
    name: Annotated[str, Argument(metavar="MESSAGE|SESSION", help="A message or a session.")],
) -> CommandResult:
    """List every repair event of a message or a session in the ledger's order.

    The status of each says whether it is in force, was taken back, or had no effect and why.
    """
    found = repairs(workspace)
    listed: list[tuple[RepairEvent, str]] = []
    for session_id, events in sessions_of(found.events).items():
        if name != session_id and all(name != each.message_id for each in events):
            continue
        status = statuses(events, found.problems)
        listed += [
            (each, status[each.position or 0])
            for each in events
            if name in {each.session_id, each.message_id}
        ]
    return CommandResult(
        document={
            "name": name,
            "ledger": workspace.ledger_name,
            "events": [event_json(event, status) for event, status in listed],
            "problems": problems_json(found),
        },
        parts=(
            *([] if listed else [Line(text="no repair event is about it")]),
            *([history_table(listed)] if listed else []),
            *problem_notes(found),
        ),
    )


def history_table(listed: Sequence[tuple[RepairEvent, str]]) -> Table:
    """Events for people."""
    return Table(
        columns=(
            TableColumn(title="event"),
            TableColumn(title="status"),
            TableColumn(title="message"),
            TableColumn(title="from"),
            TableColumn(title="to"),
            TableColumn(title="by", is_optional=True),
            TableColumn(title="score", is_number=True, is_optional=True),
            TableColumn(title="decided", is_optional=True),
            TableColumn(title="reason", is_optional=True),
        ),
        rows=[
            (
                each.event_id,
                status,
                each.message_id,
                each.old_parent_uuid or "-",
                f"takes back {each.reverts_event_id}"
                if each.is_reverted
                else each.new_parent_uuid or "-",
                each.operator,
                f"{each.similarity_score:.3f}",
                each.timestamp,
                each.reason,
            )
            for each, status in listed
        ],
        is_whole=True,
    )


def problems_json(found: Repairs) -> list[JsonValue]:
    """Events that cannot be read."""
    return [problem_json(each) for each in found.problems]


def problem_json(problem: Problem) -> JsonObject:
    """One of them."""
    return {
        "sequence": problem.sequence,
        "event_id": problem.event_id,
        "where": problem.where,
        "detail": problem.detail,
    }


def problem_notes(found: Repairs) -> list[Note]:
    """The same for people."""
    return [
        Note(text=f"event {each.sequence} is no readable repair: {each.detail}")
        for each in found.problems
    ]


def as_of(
    workspace: Workspace,
    *,
    moment: Annotated[
        str,
        Argument(
            metavar="TIME|EVENT", help="A time such as 2026-01-31 or 2h (ago), or an event's id."
        ),
    ],
    session: Annotated[
        str | None, Option(metavar="SESSION", help="Only this session (default: all).")
    ] = None,
    file: Annotated[
        str | None,
        Option(metavar="FILE", help="The conversation, to show every message's parent."),
    ] = None,
) -> CommandResult:
    """Say which parents repaired messages had at an earlier moment.

    The moment is a prefix of the ledger: the events up to one, or those recorded up to a time. So
    it is a state that once was, whatever times later events state.
    """
    found = repairs(workspace)
    before = _until(found.events, moment, workspace.now_us())
    said = {} if file is None else _originals(workspace, file)
    events = sessions_of(before)
    names = [name for name in (events if file is None else said) if session in {None, name}]
    results = {
        name: played(events.get(name, ()), said.get(name), found.problems).result()
        for name in names
    }
    parents = {name: {**said.get(name, {}), **results[name].message_parents} for name in names}
    last = before[-1] if before else None
    return CommandResult(
        document={
            "moment": moment,
            "last_sequence": None if last is None else last.position,
            "last_event_id": None if last is None else last.event_id,
            "sessions": [
                {**result_json(name, results[name]), "message_parents": dict(parents[name])}
                for name in names
            ],
            "problems": problems_json(found),
        },
        parts=(
            Line(
                text=f"{len(before):,} of {len(found.events):,} repair events"
                + (f", the last one {last.event_id}" if last else "")
            ),
            _parents_table(parents),
            *problem_notes(found),
        ),
    )


def _originals(workspace: Workspace, file: str) -> dict[str, Mapping[str, str | None]]:
    """The parents that conversations say, by session."""
    reading, _ = conversations(workspace, file)
    return {name: tree.parents for name, tree in by_session(reading).items()}


def _parents_table(parents: Mapping[str, Mapping[str, str | None]]) -> Table:
    return Table(
        columns=tuple(TableColumn(title=title) for title in ("session", "message", "parent")),
        rows=[
            (name, message, parent or "-")
            for name, each in parents.items()
            for message, parent in each.items()
        ],
        is_whole=True,
    )


def result_json(session_id: str, result: ReplayResult) -> JsonObject:
    """What a replay came to, without the parents."""
    return {
        "session_id": session_id,
        "total_events": result.total_events,
        "active_events": result.active_events,
        "reverted_events": result.reverted_events,
        "revert_events": result.revert_events,
        "refused_events": result.refused_events,
        "messages_repaired": result.messages_repaired,
        "last_event_id": result.last_event_id,
        "session_digest": result.session_digest,
        "errors": [*result.errors],
    }


def _until(events: Sequence[RepairEvent], moment: str, now_us: int) -> tuple[RepairEvent, ...]:
    if any(each.event_id == moment for each in events):
        return events_until(events, event_id=moment)
    return events_until(events, time_us=moment_us(moment, now_us))


def moment_us(text: str, now_us: int) -> int:
    """UTC microseconds of a time as people write it.

    Raises:
        UsageError: It is none.
    """
    if text == "now":
        return now_us
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now_us - int(relative[1]) * _UNIT_SECONDS[relative[2]] * 1_000_000
    for candidate in (text, f"{text}Z", f"{text}T00:00:00Z"):
        us = parse_time(candidate).us if text else None
        if us is not None:
            return us
    raise UsageError(
        f"{text!r} is neither a repair event of the ledger nor a time",
        fix="write 2026-01-31, 2026-01-31T12:00:00Z, 2h for ago (s, m, h, d, w), or an event's id",
    )


@dataclass(slots=True)
class _Tally:
    """What one operator did."""

    repairs: int = 0
    reverts: int = 0
    active: int = 0
    reverted: int = 0
    refused: int = 0
    scores: float = 0.0
    messages: set[tuple[str, str]] = field(default_factory=set)
    first: str = ""
    last: str = ""

    def take(self, event: RepairEvent, status: str) -> None:
        self.messages.add((event.session_id, event.message_id))
        self.first = self.first or event.timestamp
        self.last = event.timestamp
        if event.is_reverted:
            self.reverts += 1
        else:
            self.repairs += 1
            self.scores += event.similarity_score
            self.active += status == "active"
            self.reverted += status == "reverted"
        self.refused += status not in {"active", "reverted"}

    def to_json(self, operator: str) -> JsonObject:
        return {
            "operator": operator,
            "repairs": self.repairs,
            "reverts": self.reverts,
            "active": self.active,
            "reverted": self.reverted,
            "refused": self.refused,
            "messages": len(self.messages),
            "mean_score": round(self.scores / self.repairs, 6) if self.repairs else None,
            "first": self.first,
            "last": self.last,
        }


def stats(workspace: Workspace) -> CommandResult:
    """Count repairs, reverts and what holds of them, by operator."""
    found = repairs(workspace)
    tallies: dict[str, _Tally] = {}
    for events in sessions_of(found.events).values():
        status = statuses(events, found.problems)
        for event in events:
            tally = tallies.setdefault(event.operator, _Tally())
            tally.take(event, status[event.position or 0])
    rows = [tally.to_json(operator) for operator, tally in sorted(tallies.items())]
    names = ("operator", "repairs", "reverts", "active", "reverted", "refused", "messages")
    return CommandResult(
        document={
            "ledger": workspace.ledger_name,
            "events": len(found.events),
            "operators": [*rows],
            "problems": problems_json(found),
        },
        parts=(
            Table(
                columns=tuple(
                    TableColumn(title=name, is_number=name != "operator") for name in names
                ),
                rows=[tuple(row[name] for name in names) for row in rows],
            ),
            *problem_notes(found),
        ),
    )


COMMANDS: Final = (
    PackCommand(
        name="history",
        run=history,
        example="evidentia repair history msg-1",
        reads_ledger=True,
    ),
    PackCommand(
        name="as-of",
        run=as_of,
        example="evidentia repair as-of 2026-01-31T12:00:00Z --session s-1",
        reads_ledger=True,
    ),
    PackCommand(name="stats", run=stats, example="evidentia repair stats", reads_ledger=True),
)
