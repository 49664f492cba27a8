"""The ledgers that faults are put upon, made once and copied for each point."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.unit.ledger import kit

from evidentia.ledger.statements import Signing

SIGNING: Final = Signing.HEADS
FILLED: Final = (1, 2, 3)


def empty(folder: Path) -> Path:
    """No folder at all, for a ledger yet to be made."""
    return folder


def whole(folder: Path) -> Path:
    """A ledger that was closed well."""
    kit.filled(folder, FILLED, SIGNING)
    return folder


def ahead_of_its_head(folder: Path) -> Path:
    """A ledger whose last events have no head over them yet."""
    kit.filled(folder, FILLED[:2], SIGNING)
    ledger = kit.opened(folder, SIGNING)
    ledger.append(kit.drafts(FILLED[2]), kit.ALLOW)
    ledger.abandon()
    return folder


def with_tail(kind: str) -> Callable[[Path], Path]:
    """A ledger whose last write broke off: inside a line, inside a batch, or never written out."""

    def make(folder: Path) -> Path:
        kit.filled(folder, FILLED, SIGNING)
        path = kit.last_segment(folder)
        before = path.read_bytes()
        hint = (folder / "acknowledged").read_bytes()
        head = (folder / "head").read_bytes()
        with kit.opened(folder, SIGNING) as ledger:
            ledger.append(kit.drafts(50, 51, 52), kit.ALLOW)
        batch = path.read_bytes()[len(before) :]
        first = batch.index(b"\n") + 1
        tails = {
            "torn": batch[: first // 2],
            "batch": batch[: first + 40],
            "nul": batch[:first] + bytes(300) + batch[first + 300 :],
        }
        path.write_bytes(before + tails[kind])
        (folder / "acknowledged").write_bytes(hint)
        (folder / "head").write_bytes(head)
        return folder

    return make


SCENES: Final[dict[str, tuple[str, Callable[[Path], Path]]]] = {
    "create": ("create", empty),
    "append": ("append", whole),
    "batch": ("batch", whole),
    "recover a torn line": ("recover", with_tail("torn")),
    "recover half a batch": ("recover", with_tail("batch")),
    "recover what was never written": ("recover", with_tail("nul")),
    "rotate": ("rotate", ahead_of_its_head),
    "sign a head": ("head", ahead_of_its_head),
    "close": ("close", whole),
}
"""What the driver is asked to do, and on which ledger."""
NUMBERS: Final = {
    "create": (100,),
    "append": (100,),
    "batch": (100, 101, 102),
    "recover": (100,),
    "rotate": (100, 101),
    "head": (),
    "close": (100,),
}
"""The drafts that each operation hands in."""
