"""Replaying a session's repair events: all of them, a part, or one after the other.

Public functions::

    replay_repair_events(events, original_messages=None, *, skip=frozenset()) -> ReplayResult
    events_until(events, *, position=None, event_id=None, time_us=None) -> tuple[RepairEvent, ..]
    in_order(events) -> tuple[RepairEvent, ..]
    calculate_session_digest(events) -> str
    validate_event_immutability(event, stored_events) -> ValidationResult
    Replay(original_messages=None): apply(event), result()

What an event does is said in ``fold``; everything that shows parents or counts asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from evidentia.errors import UsageError
from evidentia.event.timestamp import parse_time
from evidentia.packs.repair.digest import (
    EMPTY_SESSION,
    DigestStanding,
    digest_of,
    next_session_digest,
)
from evidentia.packs.repair.fold import apply_event, refusals_of, skip_event, stop_of
from evidentia.packs.repair.fold_values import NO_ORIGINALS, Fold, Originals, new_fold
from evidentia.packs.repair.repair_event import FIELDS, RepairEvent
from evidentia.packs.repair.rows import standing_of
from evidentia.packs.repair.values import (
    BuildingOn,
    Refusal,
    ReplayResult,
    Stop,
    ValidationResult,
)


class Replay:
    """A replay that goes on: ``apply`` events as they come, ask for the ``result`` at any time."""

    def __init__(self, original_messages: Mapping[str, str | None] | None = None) -> None:
        self._fold = new_fold()
        self._originals = (
            NO_ORIGINALS if original_messages is None else Originals(original_messages)
        )
        self._next = 0

    def apply(self, event: RepairEvent, *, is_skipped: bool = False) -> None:
        """Let the next event have its effect.

        Raises:
            UsageError: It stands before an event that was applied, or is of another session.
        """
        position = self._next if event.position is None else event.position
        self._check(event, position)
        self._next = position + 1
        if is_skipped:
            skip_event(self._fold, event, position)
        else:
            apply_event(self._fold, event, position, self._originals)

    def result(self) -> ReplayResult:
        """What the events come to so far."""
        return result_of(self._fold)

    @property
    def fold(self) -> Fold:
        """The fold itself; not to be changed."""
        return self._fold

    def _check(self, event: RepairEvent, position: int) -> None:
        last = self._fold["last_position"]
        if last is not None and position < last:
            raise UsageError(
                f"the event stands at {position}, before {last}",
                where=event.event_id,
                fix="apply events in the order of their positions",
            )
        session = self._fold["session_id"]
        if session not in {None, event.session_id}:
            raise UsageError(
                f"the event is of session {event.session_id!r}, not {session!r}",
                where=event.event_id,
                fix="replay one session at a time",
            )


def replay_repair_events(
    events: Iterable[RepairEvent],
    original_messages: Mapping[str, str | None] | None = None,
    *,
    skip: frozenset[str] = frozenset(),
) -> ReplayResult:
    """What the repair events of a session come to.

    Args:
        events: In any order, where they have positions; otherwise their order is the log's.
        original_messages: The parent of each message in the conversation. Without it the original
            parent of a message is the one that its first repair found, and cycles are found among
            repaired messages.
        skip: Ids of events that are left out, in spite of a bad digest or for any other reason;
            the result lists them.

    Raises:
        UsageError: The events are of several sessions, or some have positions and some have none.
    """
    replay = Replay(original_messages)
    for event in in_order(events):
        replay.apply(event, is_skipped=event.event_id in skip)
    return replay.result()


def in_order(events: Iterable[RepairEvent]) -> tuple[RepairEvent, ...]:
    """Events by position; as they come where none has a position.

    Raises:
        UsageError: Some have positions and some have none, or two different ones have the same.
    """
    given = tuple(events)
    placed = [
        (each.position, each.event_digest, each) for each in given if each.position is not None
    ]
    if not placed:
        return given
    if len(placed) != len(given):
        raise UsageError(
            "some events have a position and some have none",
            fix="take all of them from one ledger, or none",
        )
    placed.sort(key=lambda item: item[:2])
    for (one, _, first), (other, _, second) in pairwise(placed):
        if one == other and first.to_dict() != second.to_dict():
            raise UsageError(f"two events stand at position {one}", where=second.event_id)
    return tuple(event for _, _, event in placed)


def events_until(
    events: Iterable[RepairEvent],
    *,
    position: int | None = None,
    event_id: str | None = None,
    time_us: int | None = None,
) -> tuple[RepairEvent, ...]:
    """The events up to a moment: a prefix of the order, so that it is a state that once was.

    Args:
        events: As for a replay.
        position: The last position that counts.
        event_id: The last event that counts, its first occurrence.
        time_us: UTC microseconds. The prefix ends before the first event that was persisted later,
            or decided later where it is not known when it was persisted. An event behind that one
            is left out even if it states an earlier time.

    Raises:
        UsageError: There is no such event, or not exactly one moment is given.
    """
    if sum(each is not None for each in (position, event_id, time_us)) != 1:
        raise UsageError("give exactly one of a position, an event and a time")
    ordered = in_order(events)
    if event_id is not None:
        return _until_event(ordered, event_id)
    if position is not None:
        numbered = enumerate(ordered)
        return tuple(
            each
            for n, each in numbered
            if (n if each.position is None else each.position) <= position
        )
    return _until_time(ordered, time_us or 0)


def calculate_session_digest(events: Iterable[RepairEvent]) -> str:
    """The digest of a session's events: every field of each, what each states, and their order."""
    digest = EMPTY_SESSION
    for event in in_order(events):
        digest = next_session_digest(digest, event.event_digest, digest_of(event.fields()))
    return digest


def validate_event_immutability(
    event: RepairEvent, stored_events: Sequence[RepairEvent]
) -> ValidationResult:
    """Whether an event is as it was when it was stored.

    Its digest must hold, its id must stand once among the stored events, and each of its fields
    must equal the stored one's. That it is not stored at all, or has a digest over less than all
    fields, is a warning.
    """
    errors, warnings = [], []
    standing = standing_of(event)
    if standing is DigestStanding.INVALID:
        errors.append(f"{event.event_id}: {standing.value}")
    elif standing is not DigestStanding.VALID:
        warnings.append(f"{event.event_id}: {standing.value}")
    stored = [each for each in in_order(stored_events) if each.event_id == event.event_id]
    if len(stored) > 1:
        places = ", ".join(str(each.position) for each in stored if each.position is not None)
        errors.append(f"{event.event_id} is stored {len(stored)} times {places}".rstrip())
    if not stored:
        warnings.append(f"{event.event_id} is not among the stored events")
    else:
        errors += _differences(event, stored[0])
    return ValidationResult(is_valid=not errors, errors=tuple(errors), warnings=tuple(warnings))


def result_of(fold: Fold) -> ReplayResult:
    """A fold as a result, with its counts."""
    refusals, stopped = refusals_of(fold), stop_of(fold)
    skipped = tuple(fold["skipped"])
    repairs = len(fold["repair_ids"])
    stacks = fold["stacks"].items()
    return ReplayResult(
        message_parents=dict(sorted(fold["parents"].items())),
        total_events=fold["event_count"] + fold["pending"],
        active_events=repairs - len(fold["off"]),
        reverted_events=len(fold["off"]),
        revert_events=len(fold["roots"]),
        refused_events=len(refusals),
        skipped_events=len(skipped),
        pending_events=fold["pending"],
        messages_repaired=sum(_has_active(fold, stack) for _, stack in stacks),
        active_event_ids=tuple(each for each in fold["repair_ids"] if each not in fold["off"]),
        building_on=_building_on(fold),
        refusals=refusals,
        skipped=skipped,
        stopped=stopped,
        errors=_sentences(refusals, skipped, stopped),
        session_digest=fold["digest"],
        last_event_id=fold["last_event_id"],
        last_event_timestamp=fold["last_timestamp"],
        last_position=fold["last_position"],
    )


def _has_active(fold: Fold, stack: list[int]) -> bool:
    """Whether a message has a repair that is on: what is on top of its heap always is."""
    return bool(stack) and fold["repair_ids"][-stack[0]] not in fold["off"]


def _building_on(fold: Fold) -> tuple[BuildingOn, ...]:
    givers: dict[tuple[str, str], str] = {}
    found = []
    rows = zip(
        *(fold["repair_ids"], fold["repair_messages"], fold["repair_olds"]),
        fold["repair_parents"],
        strict=True,
    )
    for event_id, message, old, new in rows:
        giver = None if old is None else givers.get((message, old))
        if giver is not None and giver in fold["off"] and event_id not in fold["off"]:
            found.append(BuildingOn(event_id=event_id, on=giver))
        givers[message, new] = event_id
    return tuple(found)


def _sentences(
    refusals: Sequence[Refusal], skipped: Sequence[str], stopped: Stop | None
) -> tuple[str, ...]:
    found = [f"{each.event_id} at {each.position} refused: {each.detail}" for each in refusals]
    found += [f"{event_id} skipped, as was ordered" for event_id in skipped]
    if stopped is not None:
        found.append(f"stopped at {stopped.event_id} at {stopped.position}: {stopped.detail}")
    return tuple(found)


def _differences(event: RepairEvent, stored: RepairEvent) -> list[str]:
    names = (*FIELDS, "event_digest")
    pairs = ((name, getattr(event, name), getattr(stored, name)) for name in names)
    return [
        f"{event.event_id}: {name} is {now!r}, stored as {then!r}"
        for name, now, then in pairs
        if now != then
    ]


def _until_event(ordered: Sequence[RepairEvent], event_id: str) -> tuple[RepairEvent, ...]:
    for number, event in enumerate(ordered, start=1):
        if event.event_id == event_id:
            return tuple(ordered[:number])
    raise UsageError(f"no repair event is {event_id!r}", fix="look ids up in the history")


def _until_time(ordered: Sequence[RepairEvent], time_us: int) -> tuple[RepairEvent, ...]:
    for number, event in enumerate(ordered):
        when = parse_time(event.created_at or event.timestamp).us
        if when is not None and when > time_us:
            return tuple(ordered[:number])
    return tuple(ordered)
