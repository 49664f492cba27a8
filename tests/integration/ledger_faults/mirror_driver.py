"""A ledger and its store, appended to together, as a process that faults are put upon."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.integration.ledger_faults.driver import append, say
from tests.unit.ingest.kit import Place
from tests.unit.ledger import kit

from evidentia.audit.catch_up import CatchUp
from evidentia.audit.keeper import StoreKeeper
from evidentia.audit.mirror import MirroredLedger
from evidentia.errors import EvidentiaError
from evidentia.event.envelope import Draft
from evidentia.ledger.appending import Ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import Acknowledgement
from evidentia.pack.contract import Pack
from evidentia.packs.cortex import PACK
from evidentia.proof.policy import PolicyDecision, compose

PACKS: Final[Mapping[str, Pack]] = {PACK.name: PACK}
SIGNING: Final = Signing.HEADS
SEGMENT_BYTES_MAX: Final = 2_000
NUMBERS: Final = (100, 101, 102, 103)


def place(folder: Path, name: str = "store.db") -> Place:
    """The store beside a ledger."""
    return Place(folder=folder, name=name, packs=PACKS)


class StoreFirst:
    """Control: the store has an event before the ledger has it for sure."""

    def __init__(self, ledger: Ledger, catch_up: CatchUp) -> None:
        self._ledger = ledger
        self._catch_up = catch_up

    def append(self, drafts: list[Draft], policy: PolicyDecision) -> tuple[Acknowledgement, ...]:
        """Let the store read each batch between the ledger's write and its sync."""
        disk = self._ledger._options.disk
        sync = type(disk).sync

        def store_first(descriptor: int) -> None:
            self._catch_up.run()
            sync(disk, descriptor)

        disk.sync = store_first  # type: ignore[method-assign]
        try:
            return self._ledger.append(drafts, policy)
        finally:
            del disk.sync  # type: ignore[method-assign]


@contextmanager
def mirrored(folder: Path, *, is_first: bool = False) -> Iterator[MirroredLedger | StoreFirst]:
    """A ledger that is there, and its store, both open."""
    with place(folder).workspace.writer("test") as writer:
        more = {"keeper": StoreKeeper(writer), "segment_bytes_max": SEGMENT_BYTES_MAX}
        with kit.opened(folder / "ledger", SIGNING, **more) as ledger:
            catch_up = CatchUp(writer, PACKS, folder / "ledger", time.monotonic)
            yield (StoreFirst if is_first else MirroredLedger)(ledger, catch_up)


def policy_of(mirror: MirroredLedger | StoreFirst) -> PolicyDecision:
    """The decision that parity's rule and the tests' rule make."""
    if isinstance(mirror, StoreFirst):
        return kit.ALLOW
    return compose([mirror.parity_contribution(), *kit.ALLOW.contributing])


def main(operation: str, folder: Path) -> None:
    """Make a ledger and a store, and append to both, over two segments."""
    try:
        folder.mkdir(exist_ok=True)
        kit.created(folder / "ledger", SIGNING)
        with mirrored(folder, is_first=operation == "mirror store first") as mirror:
            policy = policy_of(mirror)
            append(mirror, 100, policy=policy)
            append(mirror, 101, 102, policy=policy)
            append(mirror, 103, policy=policy)
    except EvidentiaError as error:
        say(error=type(error).__name__)
    say(done=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
