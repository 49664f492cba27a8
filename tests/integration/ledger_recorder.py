"""The recorder interfaces of the ``eventsourcing`` package, over a ledger.

A stored event is one event of the ledger and its notification id is its sequence: the ledger's
first event, number 0, is its own. What is read is read from the segments, never from what was
handed in, and only as far as the ledger has acknowledged.
"""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from threading import Event, Lock
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    Tracking,
)

from evidentia.errors import DuplicateIdError, SequenceError
from evidentia.event.envelope import DECODER, Draft, Envelope
from evidentia.ledger.appending import Ledger
from evidentia.ledger.layout import segment_files, segment_holding
from evidentia.ledger.lines import lines_of
from evidentia.proof.policy import Contribution, Outcome, compose

TRACKING: Final = "recorder.tracking"
_POLICY: Final = compose(
    [Contribution(rule_id="tests.recorder", outcome=Outcome.ALLOW, reason="a test appends")]
)


class _Stored(msgspec.Struct, frozen=True):
    originator_id: str
    is_uuid: bool
    version: int
    state: bytes


class LedgerReader:
    """What a ledger's segments hold, caught up with before each answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = Lock()
        self._size = 0
        self._byte_end: dict[int, int] = defaultdict(int)
        self._notifications: list[Notification] = []
        self._by_originator: dict[UUID | str, list[Notification]] = defaultdict(list)
        self._tracked: dict[str, int] = {}

    def catch_up(self) -> int:
        """Read what was acknowledged since the last time; how many events there are."""
        with self._lock:
            size = self._ledger.size
            while self._size < size:
                file = segment_holding(segment_files(self._ledger.folder), self._size)
                for line in lines_of(file, self._byte_end[file.first_sequence]):
                    if self._size == size:
                        break
                    self._take(DECODER.decode(line.raw))
                    self._size += 1
                    self._byte_end[file.first_sequence] = line.byte_end
            return size

    def _take(self, envelope: Envelope) -> None:
        if envelope.event_type == TRACKING:
            tracking = msgspec.json.decode(envelope.payload, type=Tracking)
            self._tracked[tracking.application_name] = tracking.notification_id
        elif envelope.sequence:
            stored = msgspec.json.decode(envelope.payload, type=_Stored)
            name = stored.originator_id
            notification = Notification(
                originator_id=UUID(name) if stored.is_uuid else name,
                originator_version=stored.version,
                topic=envelope.event_type,
                state=stored.state,
                id=envelope.sequence,
            )
            self._notifications.append(notification)
            self._by_originator[notification.originator_id].append(notification)

    def notifications(self) -> list[Notification]:
        """All stored events, in order."""
        self.catch_up()
        return self._notifications

    def of_originator(self, originator_id: UUID | str) -> list[StoredEvent]:
        """The stored events of one originator, by their versions."""
        self.catch_up()
        found = self._by_originator.get(originator_id, [])
        stored = [
            StoredEvent(each.originator_id, each.originator_version, each.topic, each.state)
            for each in found
        ]
        return sorted(stored, key=lambda each: each.originator_version)

    def tracked(self, application_name: str) -> int | None:
        """The last notification of another application that was processed."""
        self.catch_up()
        return self._tracked.get(application_name)


class LedgerAggregateRecorder(AggregateRecorder):
    """Records events of originators. An event's id in the ledger is its originator and version."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reader = LedgerReader(ledger)

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append them all, or none."""
        self._append(_drafts(stored_events))
        return None

    def _append(self, drafts: Sequence[Draft], expected_size: int | None = None) -> list[int]:
        if not drafts:
            return []
        try:
            done = self._ledger.append(drafts, _POLICY, expected_size=expected_size)
        except DuplicateIdError as error:
            raise IntegrityError(str(error)) from error
        return [each.sequence for each in done]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """An originator's events between two versions."""
        found = [
            each
            for each in self._reader.of_originator(originator_id)
            if (gt is None or each.originator_version > gt)
            and (lte is None or each.originator_version <= lte)
        ]
        return (found[::-1] if desc else found)[:limit]


class LedgerApplicationRecorder(LedgerAggregateRecorder, ApplicationRecorder):
    """Records events of all originators in one order."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.listeners: set[Event] = set()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append them all, or none; their notification ids."""
        found = self._append(_drafts(stored_events))
        self._tell_listeners()
        return found

    def _tell_listeners(self) -> None:
        for listener in tuple(self.listeners):
            listener.set()

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Stored events from one notification id to another, both included."""
        known = self._reader.notifications()
        begin = bisect_left(known, (start or 0) + (not inclusive_of_start), key=_id_of)
        end = len(known) if stop is None else bisect_right(known, stop, key=_id_of)
        asked = (each for each in islice(known, begin, end) if not topics or each.topic in topics)
        return list(islice(asked, limit))

    def max_notification_id(self) -> int | None:
        """The last stored event's notification id."""
        found = self._reader.notifications()
        return found[-1].id if found else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Notifications after one, those that are yet to come included."""
        return _LedgerSubscription(self, gt=gt, topics=topics)


class _LedgerSubscription(ListenNotifySubscription[LedgerApplicationRecorder]):
    def __init__(
        self, recorder: LedgerApplicationRecorder, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        recorder.listeners.add(self._has_been_notified)

    def stop(self) -> None:
        super().stop()
        self._recorder.listeners.discard(self._has_been_notified)


class LedgerProcessRecorder(LedgerApplicationRecorder, ProcessRecorder):
    """Records, with events, how far another application's notifications were processed.

    That is an event of its own in the same batch. It must go forward, which only the ledger's
    size can guarantee: what was read when it was decided is still all there is.
    """

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Append the events and the tracking, or nothing; the events' notification ids."""
        if tracking is None:
            return super().insert_events(stored_events)
        payload = msgspec.to_builtins(tracking)
        drafts = [*_drafts(stored_events), Draft(event_type=TRACKING, payload=payload)]
        while True:
            size = self._reader.catch_up()
            before = self._reader.tracked(tracking.application_name)
            if before is not None and tracking.notification_id <= before:
                raise IntegrityError(
                    f"notification {tracking.notification_id} is not after {before}"
                )
            try:
                found = self._append(drafts, expected_size=size)
            except SequenceError:
                continue
            self._tell_listeners()
            return found[:-1]

    def insert_tracking(self, tracking: Tracking) -> None:
        """Append a tracking alone."""
        self.insert_events((), tracking=tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """The last notification of an application that was processed."""
        return self._reader.tracked(application_name)


def _drafts(stored_events: Sequence[StoredEvent]) -> list[Draft]:
    # The same events handed in again are a conflict here, where the ledger would acknowledge a
    # repeat: the trace, new for each call, makes them other content under the same id.
    trace_id = str(uuid4())
    return [
        Draft(
            event_type=each.topic,
            payload={
                "originator_id": str(each.originator_id),
                "is_uuid": isinstance(each.originator_id, UUID),
                "version": each.originator_version,
                "state": base64.b64encode(each.state).decode(),
            },
            id=f"{each.originator_id}/{each.originator_version}",
            trace_id=trace_id,
        )
        for each in stored_events
    ]


def _id_of(notification: Notification) -> int:
    return notification.id
