"""Every bit of a small ledger, flipped: verify names the place, or the flip does not matter.

The gate flips one bit of each byte, chosen by the seed. All bits, by command::

    EVIDENTIA_FAULTS=full pytest -s tests/integration/ledger_faults/test_bit_flips.py
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ledger import kit

from evidentia.errors import LedgerError
from evidentia.ledger.chain import FailureKind
from evidentia.ledger.disk import Disk
from evidentia.ledger.heads import read_head
from evidentia.ledger.layout import acknowledged_path
from evidentia.ledger.opening import open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead
from evidentia.ledger.verifying import LedgerVerdict, VerifyRules, verify_ledger
from evidentia.proof.tree import leaf_hash, root_of

IS_FULL: Final = os.environ.get("EVIDENTIA_FAULTS") == "full"
SEED: Final = int(os.environ.get("EVIDENTIA_FAULTS_SEED", "1"))
OPEN_EVERY: Final = 1 if IS_FULL else 10
"""Opening writes; in the quick form only some of the flipped ledgers are opened as well."""
ROWS_EVERY: Final = 1 if IS_FULL else 5
"""A ledger that signs rows is checked by the same code, and takes longer."""
IRRELEVANT: Final = {
    ".index": "derived: one that is damaged is not used, and its segment is read",
    "lock": "holds nothing but the number of a process, for a message",
    "acknowledged": "a hint: it can only make verify and open refuse more",
}
"""Files in which a flip need not be found, and why."""


class Quick(Disk):
    """Leaves out what takes time; no power is cut here."""

    def sync(self, descriptor: int) -> None:
        """Nothing."""

    def sync_folder(self, path: Path) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A ledger of several segments, what must be found in it, and the head that is kept."""

    folder: Path
    signing: Signing
    keeper: kit.MemoryKeeper
    size: int
    root: bytes

    def verdict(self) -> LedgerVerdict:
        """What verify finds with the trusted key and the kept head."""
        kept = self.keeper.last(kit.ORIGIN)
        rules = VerifyRules(trusted=(kit.signer().verifier,), kept=kept, is_deep=True)
        return verify_ledger(self.folder, rules)


def small(folder: Path, signing: Signing) -> Scene:
    """Six events and what a ledger writes beside them."""
    more = {"disk": Quick(), "segment_bytes_max": 1_500, "random": kit.chance()}
    keeper = kit.MemoryKeeper()
    kit.filled(folder, range(1, 6), signing, keeper=keeper, **more)
    leaves = [leaf_hash(line) for line in kit.lines(folder)]
    assert len(list(folder.glob("*.jsonl"))) > 1
    return Scene(
        folder=folder, signing=signing, keeper=keeper, size=len(leaves), root=root_of(leaves)
    )


def flips(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    """The byte offsets and bits to be flipped in a file."""
    chance = random.Random(f"{SEED}-{name}")  # noqa: S311 - the same again
    for place in range(len(data)):
        for bit in range(8) if IS_FULL else (chance.randrange(8),):
            yield place, bit


def flipped(path: Path, data: bytes, place: int, bit: int | None) -> None:
    """Write one byte of a file anew, with a bit of it flipped; without a bit, as it was."""
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, bytes([data[place] ^ (0 if bit is None else 1 << bit)]), place)
    os.close(descriptor)


def line_start(data: bytes, place: int) -> int:
    """Where the line begins that a byte belongs to; its newline belongs to it."""
    return data.rfind(b"\n", 0, place) + 1


def require_located(scene: Scene, name: str, data: bytes, place: int) -> None:
    """The verdict names the file and, in a segment, the line of the flipped byte."""
    verdict = scene.verdict()
    path = scene.folder / name
    if any(name.endswith(each) for each in IRRELEVANT):
        assert {each.kind for each in verdict.failures} <= {FailureKind.CUT}
        assert name == "acknowledged" or not verdict.failures
        return
    assert verdict.level is None
    if name == "head":
        assert {each.path for each in verdict.failures} == {path}
        return
    found = [each for each in verdict.failures if each.path.suffix == ".jsonl"]
    assert min((each.path, each.byte_offset) for each in found) == (path, line_start(data, place))


def require_opened_or_refused(scene: Scene) -> bool:
    """Opening refuses and changes nothing, or goes on behind exactly what was acknowledged."""
    before = kit.contents(scene.folder)
    options = kit.options(scene.signing, Quick(), keeper=scene.keeper, segment_bytes_max=1_000_000)
    try:
        ledger = open_ledger(scene.folder, options)
    except LedgerError:
        assert kit.contents(scene.folder) == before
        return False
    view = ledger._tail.view
    assert (ledger.size, view.tree_at(ledger.size).root()) == (scene.size, scene.root)
    ledger.abandon()
    # The writer's mark is put right: what was read from the disk counts as acknowledged.
    mark = acknowledged_path(scene.folder).name
    after = kit.contents(scene.folder)
    assert {**after, mark: b""} == {**before, mark: b""}
    return True


@pytest.mark.parametrize("signing", [Signing.HEADS, Signing.ROWS])
def test_every_flipped_bit_is_located_or_does_not_matter(signing: Signing, tmp_path: Path) -> None:
    """In segments, index, head and hint; and opening for appending never goes on from it."""
    scene = small(tmp_path / "ledger", signing)
    assert scene.verdict().failures == ()
    files = {**kit.contents(scene.folder), "lock": (scene.folder / "lock").read_bytes()}
    count = refused = 0

    for name, data in files.items():
        path = scene.folder / name
        for place, bit in list(flips(data, name))[:: ROWS_EVERY if signing is Signing.ROWS else 1]:
            flipped(path, data, place, bit)
            try:
                require_located(scene, name, data, place)
                if count % OPEN_EVERY == 0:
                    refused += not require_opened_or_refused(scene)
            except BaseException as error:
                error.add_note(f"{name}, byte {place}, bit {bit}, seed {SEED}")
                raise
            flipped(path, data, place, None)
            count += 1

    assert scene.verdict().failures == ()
    assert refused > 0
    sys.stdout.write(f"{signing}: {count} bits flipped, {refused} ledgers refused, seed {SEED}\n")


@pytest.mark.parametrize("signing", [Signing.NONE, Signing.HEADS, Signing.ROWS])
def test_a_flip_is_located_without_anything_from_elsewhere(
    signing: Signing, tmp_path: Path
) -> None:
    """By the chain alone each line but the end of the last is covered, and that by the hint."""
    folder = tmp_path / "ledger"
    kit.filled(folder, range(1, 4), signing, disk=Quick(), random=kit.chance())
    path = kit.last_segment(folder)
    data = path.read_bytes()

    for place, bit in list(flips(data, "alone"))[:: 1 if IS_FULL else 3]:
        flipped(path, data, place, bit)
        failures = verify_ledger(folder, VerifyRules(is_deep=True)).failures
        found = [each for each in failures if each.path == path]
        assert min(each.byte_offset for each in found) == line_start(data, place), (place, bit)
        flipped(path, data, place, None)


def test_a_kept_head_tells_of_a_file_that_was_put_back(tmp_path: Path) -> None:
    """The kept head finds what the files alone cannot: an older copy of all of them."""
    folder = tmp_path / "ledger"
    kit.filled(folder, range(1, 4), Signing.HEADS)
    older = kit.contents(folder)
    with kit.opened(folder, Signing.HEADS) as ledger:
        ledger.append(kit.drafts(9), kit.ALLOW)
    newer = read_head(folder, [kit.signer().verifier])
    for name, data in older.items():
        (folder / name).write_bytes(data)
    assert newer is not None
    kept = KeptHead(origin=newer.origin, size=newer.size, root=newer.root, note=b"")

    assert verify_ledger(folder, VerifyRules()).failures == ()
    failures = verify_ledger(folder, VerifyRules(kept=kept)).failures

    assert {each.kind for each in failures} == {FailureKind.HEAD_BEYOND_END}
