"""The recorder cases of the ``eventsourcing`` package, as they are, run over a ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.tests import persistence as cases

from evidentia.ledger.appending import Ledger
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import LedgerOptions

from .ledger_recorder import (
    LedgerAggregateRecorder,
    LedgerApplicationRecorder,
    LedgerProcessRecorder,
)

SEGMENT_BYTES_MAX = 256 * 1024
"""So that the larger cases fill several segments."""


def _options() -> LedgerOptions:
    return LedgerOptions(clock=lambda: time.time_ns() // 1_000, segment_bytes_max=SEGMENT_BYTES_MAX)


class _OverALedger:
    """Gives each case a new ledger."""

    ledger: Ledger

    @pytest.fixture(autouse=True)
    def _new_ledger(self, tmp_path: Path) -> Iterator[None]:
        folder = tmp_path / "ledger"
        create_ledger(folder, "example.org/recorder", Signing.NONE, _options())
        with open_ledger(folder, _options()) as self.ledger:
            yield


class TestAggregateRecorder(_OverALedger, cases.AggregateRecorderTestCase):
    """Events of originators: unique, in order, all of a batch or none."""

    def create_recorder(self) -> LedgerAggregateRecorder:
        """A recorder over the case's ledger."""
        return LedgerAggregateRecorder(self.ledger)


class TestApplicationRecorder(
    _OverALedger, cases.ApplicationRecorderTestCase[LedgerApplicationRecorder]
):
    """Notifications: gapless and in order, with ten writers and two readers at a time."""

    def create_recorder(self) -> LedgerApplicationRecorder:
        """A recorder over the case's ledger."""
        return LedgerApplicationRecorder(self.ledger)

    def test_insert_subscribe(self) -> None:
        """A subscription gives what was recorded and goes on with what will be."""
        self.optional_test_insert_subscribe()


class TestNonInterleaving(_OverALedger, cases.NonInterleavingNotificationIDsBaseCase):
    """Two batches of a thousand events that are appended at once do not mix."""

    def create_recorder(self) -> LedgerApplicationRecorder:
        """A recorder over the case's ledger."""
        return LedgerApplicationRecorder(self.ledger)


class TestProcessRecorder(_OverALedger, cases.ProcessRecorderTestCase):
    """Events and how far another application was followed: both or neither."""

    def create_recorder(self) -> LedgerProcessRecorder:
        """A recorder over the case's ledger."""
        return LedgerProcessRecorder(self.ledger)


class TestTrackingRecorder(_OverALedger, cases.TrackingRecorderTestCase):
    """How far another application was followed only goes forward."""

    def create_recorder(self) -> LedgerProcessRecorder:
        """A recorder over the case's ledger."""
        return LedgerProcessRecorder(self.ledger)


def test_a_new_recorder_reads_what_an_earlier_one_recorded(tmp_path: Path) -> None:
    """Events, notifications and trackings are in the ledger, not in the recorder."""
    create_ledger(tmp_path / "ledger", "example.org/recorder", Signing.NONE, _options())
    events = [StoredEvent(f"o{n % 7}", n // 7, "topic", bytes([n])) for n in range(70)]
    with open_ledger(tmp_path / "ledger", _options()) as ledger:
        LedgerProcessRecorder(ledger).insert_events(events, tracking=Tracking("upstream", 21))

    with open_ledger(tmp_path / "ledger", _options()) as ledger:
        recorder = LedgerProcessRecorder(ledger)

        assert recorder.select_events("o3") == events[3::7]
        assert [each.id for each in recorder.select_notifications(None, 100)] == [*range(1, 71)]
        assert recorder.max_tracking_id("upstream") == 21
