"""Power cuts between any two operations, with whatever was not synced there, gone, torn or zero.

Pure Python: no root, no strace. ``EVIDENTIA_FAULTS=full`` looks at many more states per moment.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ledger import kit

from evidentia.errors import LedgerBrokenError, LedgerError, LedgerMissingError
from evidentia.ledger.appending import Ledger
from evidentia.ledger.disk import Disk

from . import oracle
from .oracle import Record, Told
from .scenes import SIGNING, with_tail
from .simulated import Watched, crashed, watched

IS_FULL: Final = os.environ.get("EVIDENTIA_FAULTS") == "full"
SEED: Final = int(os.environ.get("EVIDENTIA_FAULTS_SEED", "1"))
STATES: Final = 60 if IS_FULL else 8
"""Seeded states after each operation, besides the one with everything and the one with nothing."""
SEGMENT_BYTES_MAX: Final = 3_000


def tell(book: Watched, ledger: Ledger, *numbers: int) -> None:
    """Append a batch, and keep book of its acknowledgement."""
    done = ledger.append(kit.drafts(*numbers), kit.ALLOW)

    def note(record: Record) -> None:
        record.told += [
            Told(number=number, id=each.id, sequence=each.sequence, event_hash=each.event_hash)
            for number, each in zip(numbers, done, strict=True)
        ]

    book.mark(note)


def live(folder: Path, book: Watched, disk: Disk) -> None:
    """Make a ledger, append alone and in batches over several segments, sign, close, go on."""
    kit.created(folder, SIGNING, disk=disk)
    more = {"disk": disk, "segment_bytes_max": SEGMENT_BYTES_MAX}
    with kit.opened(folder, SIGNING, **more) as ledger:
        tell(book, ledger, 1)
        tell(book, ledger, 2, 3, 4)
        head = ledger.sign_head()
        book.mark(lambda record: record.heads.append(head))
        tell(book, ledger, 5, 6)
        tell(book, ledger, 7)
    with kit.opened(folder, SIGNING, **more) as ledger:
        tell(book, ledger, 8, 9)


def recover(folder: Path, book: Watched, disk: Disk) -> None:
    """Open a ledger with a tail that was never acknowledged, and go on."""
    with kit.opened(folder, SIGNING, disk=disk) as ledger:
        tell(book, ledger, 10)
        tell(book, ledger, 11, 12)


def judge(folder: Path, record: Record) -> None:
    """Hold a ledger after a power cut against what had been acknowledged."""
    options = kit.options(SIGNING, segment_bytes_max=SEGMENT_BYTES_MAX)
    try:
        oracle.check(folder, record, SIGNING, options)
    except LedgerMissingError:
        assert not record.told
        kit.created(folder, SIGNING)
        oracle.check(folder, record, SIGNING, options)


def sweep(book: Watched, folder: Path, start: int = 1) -> int:
    """Cut the power after each operation, in several ways; how many states were held."""
    count = 0
    for moment in range(start, len(book.operations) + 1):
        record = book.record_at(moment)
        plans: list[tuple[random.Random | None, float]] = [(None, 0.0), (None, 1.0)]
        for number in range(STATES):
            seed = f"{SEED}-{moment}-{number}"
            plans.append((random.Random(seed), (0.2, 0.5, 0.8)[number % 3]))  # noqa: S311 - again
        for chance, keep in plans:
            crashed(book.operations[:moment], folder, chance, keep)
            try:
                judge(folder, record)
            except (AssertionError, LedgerError) as error:
                after = book.operations[moment - 1]
                error.add_note(f"seed {SEED}, after operation {moment}: {after.kind}, keep {keep}")
                raise
            count += 1
    return count


def test_a_power_cut_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """From the making of a ledger to its second closing, over several segments."""
    with watched(tmp_path / "ledger") as book:
        live(tmp_path / "ledger", book, Disk())

    count = sweep(book, tmp_path / "after")

    assert len(list((tmp_path / "ledger").glob("*.jsonl"))) > 1
    sys.stdout.write(f"{len(book.operations)} operations, {count} states, seed {SEED}\n")


@pytest.mark.parametrize("kind", ["torn", "batch", "nul"])
def test_a_power_cut_while_recovering_loses_nothing(kind: str, tmp_path: Path) -> None:
    """The bytes of a cut tail are in the segment or kept aside at each moment, and told of."""
    folder = with_tail(kind)(tmp_path / "ledger")
    with watched(folder) as book:
        start = len(book.operations)
        recover(folder, book, Disk())

    count = sweep(book, tmp_path / "after", start)

    assert any(each.kind == "mkdir" for each in book.operations[start:])
    sys.stdout.write(f"{kind}: {count} states, seed {SEED}\n")


@pytest.mark.parametrize("number", range(1, 9))
def test_a_sync_that_failed_acknowledges_nothing(number: int, tmp_path: Path) -> None:
    """After a failed sync the writer stops; opened again, it reads the disk, not the page cache."""
    folder = tmp_path / "ledger"
    kit.created(folder, SIGNING)
    with watched(folder) as book:
        book.failing_sync = number
        _go_on(folder, book, Disk())

    assert any(each.kind == "lost" for each in book.operations), "no sync failed"
    sweep_end(book, tmp_path / "after")


def sweep_end(book: Watched, folder: Path) -> None:
    """Cut the power at the very end, with only what was synced."""
    crashed(book.operations, folder, None, 0.0)
    judge(folder, book.record_at(len(book.operations)))


def _go_on(folder: Path, book: Watched, disk: Disk) -> None:
    """Append in two goes, opening the ledger again wherever it stopped."""
    for batch in ((1,), (2, 3), (4,)):
        for _ in range(2):
            try:
                with kit.opened(folder, SIGNING, disk=disk) as ledger:
                    tell(book, ledger, *batch)
            except LedgerBrokenError:
                continue
            break


class NeverSyncing(Disk):
    """Acknowledges what may never reach the disk."""

    def sync(self, descriptor: int) -> None:
        """Nothing."""


class LateSyncing(Disk):
    """Syncs what was written when the next write comes: after it was acknowledged."""

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Sync, then write."""
        super().sync(descriptor)
        super().write_all(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Not yet."""


class Retrying(Disk):
    """Tries a sync again that failed, which then seems to work."""

    def sync(self, descriptor: int) -> None:
        """Once more, if need be."""
        try:
            super().sync(descriptor)
        except OSError:
            super().sync(descriptor)


class Remembering(Disk):
    """Believes the page cache after a failed sync."""

    def forget_cached(self, descriptor: int) -> None:
        """Nothing."""


@pytest.mark.parametrize("disk", [NeverSyncing(), LateSyncing()])
def test_without_a_sync_before_the_acknowledgement_events_are_lost(
    disk: Disk, tmp_path: Path
) -> None:
    """Control: with a disk that syncs never or late, some power cut loses what was acknowledged."""
    with watched(tmp_path / "ledger") as book:
        live(tmp_path / "ledger", book, disk)

    with pytest.raises((AssertionError, LedgerError)):
        sweep(book, tmp_path / "after")


@pytest.mark.parametrize("disk", [Retrying(), Remembering()])
def test_retrying_a_sync_or_believing_the_cache_loses_events(disk: Disk, tmp_path: Path) -> None:
    """Control: what a failed sync dropped is acknowledged by a retry, or by the page cache."""
    lost = 0
    for number in range(1, 9):
        folder = tmp_path / f"ledger{number}"
        kit.created(folder, SIGNING)
        try:
            with watched(folder) as book:
                book.failing_sync = number
                _go_on(folder, book, disk)
            sweep_end(book, tmp_path / "after")
        except (AssertionError, LedgerError):
            # The reading back before a head is signed finds some of them, too late.
            lost += 1

    assert lost > 0
