"""Mirrored append: the ledger first, on the disk, then the store, and never the other way round.

A crash between the two leaves an event in the ledger that the store lacks, which the next append,
a retry or ``replay_ledger`` mends. The store never holds what the ledger does not: what it holds
under an id or in a place is compared before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from evidentia.audit.catch_up import CatchUp
from evidentia.audit.places import RECOVER, LedgerPlaces, SegmentPlace, bytes_at, places_of
from evidentia.errors import RejectionError, StoreError
from evidentia.event.envelope import Draft
from evidentia.event.values import byte_offset_of, segment_of
from evidentia.ledger.appending import Ledger
from evidentia.ledger.values import Acknowledgement
from evidentia.proof.policy import (
    PARITY_RULE,
    Contribution,
    Outcome,
    PolicyDecision,
    require_contributors,
    require_proceeds,
)
from evidentia.store.lines import EventLine
from evidentia.store.reader import StoreReader

SURFACE: Final = "mirror.append"
"""What a mirrored append is called in policy decisions."""


class MirroredLedger:
    """A ledger and its store, appended to together.

    Threads may share one: they take turns, for the store must not read what another thread has
    written but not yet synced. Neither the ledger nor the store's writer may be used beside it.

    Args:
        ledger: Open for appending; it stays the caller's to close.
        catch_up: What reads the ledger into the store.
    """

    def __init__(self, ledger: Ledger, catch_up: CatchUp) -> None:
        self._ledger = ledger
        self._catch_up = catch_up
        self._turn = Lock()

    def parity_contribution(self) -> Contribution:
        """What the parity rule says now, from ledger and store as they are."""
        with self._turn, self._catch_up.writer.reading() as reader:
            return parity_contribution(reader, self._ledger.folder)

    def append(
        self,
        drafts: Sequence[Draft],
        policy: PolicyDecision,
        *,
        expected_size: int | None = None,
    ) -> tuple[Acknowledgement, ...]:
        """Append events to the ledger, all or none, and return once the store has them as well.

        An event whose id and content are in the ledger already is acknowledged again, and if a
        crash kept it from the store, the store gets it now. Only a caller that gives its events
        ids can retry.

        Raises:
            PolicyError: The parity rule was not asked, or the outcome blocks; nothing was written.
            DivergenceError: The store holds one of the ids, or a place, with other bytes than the
                ledger; nothing was written.
            RejectionError: The ledger refuses; nothing was written.
            LedgerError: The ledger failed; see ``Ledger.append``.
            StoreError: The events are in the ledger, and not in the store: a retry with the same
                ids, or any later append, completes the store.
        """
        require_contributors(policy, (PARITY_RULE,))
        require_proceeds(policy, SURFACE)
        with self._turn:
            self._refuse_divergence([each.id for each in drafts if each.id is not None])
            done = self._ledger.append(drafts, policy, expected_size=expected_size)
            self._catch_up.run()
            self._require_stored([each.id for each in done])
        return done

    def append_each(
        self, drafts: Sequence[Draft], policy: PolicyDecision
    ) -> tuple[Acknowledgement | RejectionError, ...]:
        """Append events, each for itself, with one sync and one pass into the store for all.

        Returns:
            For each draft, in order, that both have it, or why the ledger refused it.

        Raises:
            PolicyError: As for ``append``, as are the others.
        """
        require_contributors(policy, (PARITY_RULE,))
        require_proceeds(policy, SURFACE)
        with self._turn:
            self._refuse_divergence([each.id for each in drafts if each.id is not None])
            done = self._ledger.append_each(drafts, policy)
            self._catch_up.run()
            self._require_stored([each.id for each in done if isinstance(each, Acknowledgement)])
        return done

    def complete(self) -> None:
        """Read into the store what the ledger wrote by itself.

        Raises:
            DivergenceError: What was read before is not what the ledger holds.
            StoreError: The store refuses or fails.
        """
        with self._turn:
            self._catch_up.run()

    def _refuse_divergence(self, event_ids: Sequence[str]) -> None:
        self._catch_up.require_continued()
        places, found = self._stored(event_ids)
        for line in found:
            places.require_agreeing(line)

    def _require_stored(self, event_ids: Sequence[str]) -> None:
        places, found = self._stored(event_ids)
        for line in found:
            places.require_agreeing(line)
        missing = sorted(set(event_ids) - {line.event_id for line in found})
        if missing:
            raise StoreError(
                f"the store has read the ledger to its end, but lacks the event {missing[0]}",
                where=str(self._ledger.folder),
                fix=RECOVER,
            )

    def _stored(self, event_ids: Sequence[str]) -> tuple[LedgerPlaces, list[EventLine]]:
        """The ledger's rows that have one of some ids; other logs in the store do not count."""
        places = self._catch_up.places()
        ours = set(places.segment_ids)
        with self._catch_up.writer.reading() as reader:
            lines = list(reader.events_with_ids(event_ids))
        return places, [line for line in lines if segment_of(line.position) in ours]


def parity_contribution(reader: StoreReader, folder: Path) -> Contribution:
    """What the parity rule says of a ledger and its store, cheaply: the ends are compared.

    Reject, where the store holds what the ledger does not: a segment that is not there, bytes past
    the end, or another last event. Warn, where the store is behind, which an append mends: it is
    how a crash between ledger and store looks, and is worth a place in the decision. Else allow.
    All events are compared by ``audit.parity``.

    Raises:
        LedgerError: There is no ledger, or it cannot be read.
    """
    places = places_of(folder, reader.segments())
    fault = _fault(reader, places)
    if fault:
        return _said(Outcome.REJECT, fault)
    if places.behind_bytes:
        reason = f"the store is {places.behind_bytes} bytes behind the ledger; appending mends that"
        return _said(Outcome.WARN, reason)
    return _said(Outcome.ALLOW, "ledger and store end with the same event")


def _said(outcome: Outcome, reason: str) -> Contribution:
    return Contribution(rule_id=PARITY_RULE, outcome=outcome, reason=reason)


def _fault(reader: StoreReader, places: LedgerPlaces) -> str:
    """In what the store is ahead of the ledger, or other than it; empty where it is neither."""
    for stranger in places.strangers:
        if stranger.checkpoint:
            return f"the store holds segment {stranger.id}, which the ledger has no more"
    for place in places.files:
        if place.checkpoint > place.size:
            return (
                f"the store has read {place.checkpoint} bytes of {place.path.name}, of which the"
                f" ledger has {place.size}"
            )
    last = next((each for each in reversed(places.files) if each.checkpoint), None)
    return "" if last is None else _fault_at_end(reader, last)


def _fault_at_end(reader: StoreReader, place: SegmentPlace) -> str:
    line = reader.last_event_line(place.segment.id) if place.segment else None
    start = 0 if line is None else byte_offset_of(line.position)
    raw = b"" if line is None else line.raw
    if bytes_at(place.path, start, place.checkpoint - start) == raw + b"\n":
        return ""
    return f"the last event of {place.path.name} that the store holds is another one in the ledger"
