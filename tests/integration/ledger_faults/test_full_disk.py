"""A disk that runs full, really: a small tmpfs (as root), and a limit on the size of files."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.integration.processes import environment
from tests.unit.ledger import kit

from evidentia.errors import LedgerFullError
from evidentia.ledger.appending import Ledger
from evidentia.ledger.disk import Disk
from evidentia.ledger.statements import RECOVERED
from evidentia.ledger.verifying import VerifyRules, verify_ledger

from . import oracle
from .oracle import Record, Told
from .scenes import SIGNING

CHECKOUT: Final = Path(__file__).parents[3]
EVENTS_MAX: Final = 2_000


class Unreckoning(Disk):
    """Sees room where there is none, so that writes break off in the middle of a line."""

    def free_bytes(self, descriptor: int) -> int:
        """Plenty."""
        return super().free_bytes(descriptor) + 2**40


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """A file system in memory of so many KiB; the test is skipped where that may not be mounted."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    folder.mkdir()
    found = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {found.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ledger: Ledger, record: Record, first: int = 1) -> int:
    """Append until there is no room; the number of the draft that had none."""
    for number in range(first, first + EVENTS_MAX):
        try:
            (done,) = ledger.append(kit.drafts(number), kit.ALLOW)
        except LedgerFullError:
            return number
        told = Told(number=number, id=done.id, sequence=done.sequence, event_hash=done.event_hash)
        record.told.append(told)
    raise AssertionError("the disk never ran full")


@pytest.mark.parametrize("kib", [64, 256])
@pytest.mark.parametrize("disk", [Disk(), Unreckoning()])
def test_a_ledger_on_a_full_disk_is_read_only_until_there_is_room(
    kib: int, disk: Disk, tmp_path: Path
) -> None:
    """Nothing that was acknowledged is lost, and the same object goes on once space is freed."""
    record = Record()
    with small_disk(tmp_path / "disk", kib) as place:
        ballast = place / "ballast"
        ballast.write_bytes(bytes(16 * 1024))
        folder = kit.created(place / "ledger", SIGNING)
        ledger = kit.opened(folder, SIGNING, disk=disk)
        refused = fill(ledger, record)
        for _ in range(3):
            with pytest.raises(LedgerFullError):
                ledger.append(kit.drafts(refused), kit.ALLOW)
        verdict = verify_ledger(folder, VerifyRules())
        assert verdict.failures == ()
        assert verdict.size == len(record.told) + 1
        ballast.unlink()

        again = fill(ledger, record, refused)
        ledger.abandon()

        assert again > refused
        # Where the room was reckoned, no write broke off. Else the first cut is told of by now, the
        # second by whoever opens the ledger next.
        told = sum(RECOVERED.encode() in line for line in kit.lines(folder))
        assert (told > 0) == isinstance(disk, Unreckoning)
        copied = tmp_path / "copied"
        subprocess.run(["cp", "-a", str(folder), str(copied)], check=True)
    oracle.check(copied, record, SIGNING, kit.options(SIGNING))


_LIMITED: Final = """
import resource, sys
from pathlib import Path
from tests.integration.ledger_faults.test_full_disk import limited
limited(Path(sys.argv[1]))
"""
_LIMIT_BYTES: Final = 10_000


def limited(folder: Path) -> None:
    """What the process below does: run into a limit on the size of files, then have it lifted."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger = kit.opened(folder, SIGNING)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT_BYTES, hard))
    record = Record()
    refused = fill(ledger, record)
    size = kit.last_segment(folder).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (done,) = ledger.append(kit.drafts(refused), kit.ALLOW)
    ledger.close()
    told = [(one.number, one.id, one.sequence, one.event_hash) for one in record.told]
    told.append((refused, done.id, done.sequence, done.event_hash))
    sys.stdout.write(json.dumps({"size": size, "told": told}))


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    """A write that the system makes short and then refuses leaves a torn line, which is cut off."""
    folder = kit.created(tmp_path / "ledger", SIGNING)

    found = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(folder)],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    fields = ("number", "id", "sequence", "event_hash")
    told = [Told(**dict(zip(fields, each, strict=True))) for each in answer["told"]]
    # The write was really short: the file ended at the limit, inside a line.
    assert answer["size"] == _LIMIT_BYTES
    assert any(RECOVERED.encode() in line for line in kit.lines(folder))
    oracle.check(folder, Record(told=told), SIGNING, kit.options(SIGNING))
