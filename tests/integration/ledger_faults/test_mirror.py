"""Ledger and store appended to together, with every system call on either made to fail.

A quick form in the gate; all points by ``EVIDENTIA_FAULTS=full``. Power cuts by a simulated disk:
the store is read as it was committed, the ledger as its last sync left it, which is the worst case.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ledger import kit

from evidentia.audit.catch_up import CatchUp
from evidentia.audit.ledger_replay import replay_ledger
from evidentia.audit.mirror import MirroredLedger
from evidentia.errors import LedgerMissingError
from evidentia.ingest.values import IngestReport

from . import injection, oracle
from .mirror_driver import NUMBERS, PACKS, SIGNING, StoreFirst, mirrored, place, policy_of
from .oracle import Record
from .simulated import Watched, crashed, watched

IS_FULL: Final = os.environ.get("EVIDENTIA_FAULTS") == "full"
SEED: Final = int(os.environ.get("EVIDENTIA_FAULTS_SEED", "1"))
QUICK_POINTS: Final = 4
PARTS: Final = 20 if IS_FULL else 1
"""The full form takes an hour: in parts, it can be seen how far it has come."""


def stored(folder: Path) -> list[bytes]:
    """The lines that the store holds."""
    if not place(folder).store.path.exists():
        return []
    try:
        return place(folder).raws()
    except sqlite3.OperationalError:
        # The fault came before the store's tables.
        return []


def require_store_behind(folder: Path, raws: list[bytes]) -> None:
    """What the store holds is what the ledger begins with."""
    assert raws == kit.lines(folder / "ledger")[: len(raws)], "the store is ahead of the ledger"


def require_replayed(folder: Path) -> None:
    """After a replay, ledger and store hold the same, and so would a store made afresh."""
    with place(folder).workspace.writer("test") as writer:
        report = replay_ledger(CatchUp(writer, PACKS, folder / "ledger", time.monotonic))
        assert report.parity.is_consistent
    assert stored(folder) == kit.lines(folder / "ledger")
    with place(folder, "fresh.db").workspace.writer("test") as writer:
        replay_ledger(CatchUp(writer, PACKS, folder / "ledger", time.monotonic))
    assert place(folder, "fresh.db").digest() == place(folder).digest()


def judge(folder: Path, record: Record) -> None:
    """Open both again after a fault, and hand in everything once more."""
    options = kit.options(SIGNING)
    try:
        before = stored(folder)
        oracle.check(folder / "ledger", record, SIGNING, options)
    except LedgerMissingError:
        assert not record.told
        kit.created(folder / "ledger", SIGNING)
        before = []
    require_store_behind(folder, before)
    require_replayed(folder)
    with mirrored(folder) as mirror:
        for number in NUMBERS:
            mirror.append(kit.drafts(number), policy_of(mirror))
    names = [
        name for line in kit.lines(folder / "ledger") for name in [line] if b'"id":"e1' in name
    ]
    assert len(names) == len(NUMBERS)
    require_replayed(folder)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_fault_in_a_mirrored_append_leaves_the_store_behind_the_ledger(
    tmp_path: Path, part: int
) -> None:
    """Whatever fails, the store never holds more, and a replay or a retry completes it."""
    injection.require_strace()
    folder = tmp_path / "place"
    folder.mkdir()
    paths, points = injection.planned("mirror", folder)
    chosen = points if IS_FULL else random.Random(SEED).sample(points, QUICK_POINTS)  # noqa: S311 - the same again
    chosen = sorted(chosen)[part::PARTS]
    fired = 0

    for point in chosen:
        shutil.rmtree(folder)
        folder.mkdir()
        outcome = injection.hit("mirror", folder, paths, point)
        fired += outcome.has_fired
        try:
            judge(folder, outcome.record)
        except BaseException as error:
            error.add_note(f"{point.injection}; {outcome.record}")
            raise

    sys.stdout.write(f"mirror, part {part}: {fired} of {len(chosen)} fired, seed {SEED}\n")
    # The database's own calls differ a little from run to run, so a late one may lie past the end.
    assert fired >= len(chosen) * 0.8


def ahead_after_a_cut(folder: Path, operation: str) -> int:
    """Append to both under watch, then cut the power at each moment; how often the store led."""
    led = 0
    ledger = folder / "ledger"
    seen: list[tuple[int, list[bytes]]] = []
    folder.mkdir()
    kit.created(ledger, SIGNING)
    with watched(ledger) as book:
        run = mirrored(folder, is_first=operation == "mirror store first")
        with run as mirror:
            notice(seen, book, mirror, folder)
            for number in NUMBERS:
                mirror.append(kit.drafts(number), policy_of(mirror))
    for moment, raws in seen:
        crashed(book.operations[:moment], folder / "after", None, 0.0)
        lines = kit.lines(folder / "after")
        led += raws != lines[: len(raws)]
    assert len(seen) >= len(NUMBERS)
    return led


def notice(
    seen: list[tuple[int, list[bytes]]],
    book: Watched,
    mirror: MirroredLedger | StoreFirst,
    folder: Path,
) -> None:
    """Note, whenever the store has read the ledger, what it holds then and how far the disk is."""
    catch_up = mirror._catch_up
    run = catch_up.run

    def run_and_note() -> IngestReport:
        report = run()
        seen.append((len(book.operations), stored(folder)))
        return report

    catch_up.run = run_and_note  # type: ignore[method-assign]


def test_no_power_cut_leaves_the_store_ahead_of_the_ledger(tmp_path: Path) -> None:
    """What the store has committed was synced in the ledger before."""
    assert ahead_after_a_cut(tmp_path / "place", "mirror") == 0


def test_a_store_that_comes_first_gets_ahead(tmp_path: Path) -> None:
    """Control: were the store to read before the ledger's sync, a power cut would show it."""
    assert ahead_after_a_cut(tmp_path / "place", "mirror store first") > 0
