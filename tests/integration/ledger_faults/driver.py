"""One operation on a ledger, as a process that faults are put upon.

What was acknowledged is printed right after the call that acknowledged it returned, into a pipe:
no fault of the ledger's disk reaches it. Errors of ours are printed by name; any other is a defect.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tests.unit.ledger import kit

from evidentia.errors import EvidentiaError
from evidentia.event.envelope import Draft
from evidentia.ledger.appending import Ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import Acknowledgement
from evidentia.proof.policy import PolicyDecision


def say(**values: object) -> None:
    """One line to whoever watches."""
    print(json.dumps(values), flush=True)  # noqa: T201 - how this process answers


class Appends(Protocol):
    """A ledger, or one with its store."""

    def append(self, drafts: list[Draft], policy: PolicyDecision) -> Sequence[Acknowledgement]:
        """Append events."""
        ...


def append(ledger: Appends, *numbers: int, policy: PolicyDecision = kit.ALLOW) -> None:
    """Append one batch; where that fails, once more with the same ids."""
    for _ in range(2):
        try:
            done = ledger.append(kit.drafts(*numbers), policy)
        except EvidentiaError as error:
            say(error=type(error).__name__)
            continue
        for number, each in zip(numbers, done, strict=True):
            say(number=number, id=each.id, sequence=each.sequence, event_hash=each.event_hash)
        return


def sign(ledger: Ledger) -> None:
    """Sign a head; where that fails, once more."""
    for _ in range(2):
        try:
            head = ledger.sign_head()
        except EvidentiaError as error:
            say(error=type(error).__name__)
            continue
        say(origin=head.origin, size=head.size, root=head.root.hex())
        return


def rotate(ledger: Ledger) -> None:
    """Append in a segment that is full, so that the next one begins; then once more."""
    append(ledger, 100)
    append(ledger, 101)


def append_and_close(ledger: Ledger) -> None:
    """Append, then close, which signs a head."""
    append(ledger, 100)
    ledger.close()


OPERATIONS: dict[str, Callable[[Ledger], None]] = {
    "append": lambda ledger: append(ledger, 100),
    "batch": lambda ledger: append(ledger, 100, 101, 102),
    "recover": lambda ledger: append(ledger, 100),
    "rotate": rotate,
    "head": sign,
    "close": append_and_close,
}


def main(operation: str, folder: Path) -> None:
    """Run one operation and say how it went."""
    signing = Signing.HEADS
    segment_bytes_max = 1 if operation == "rotate" else 1_000_000
    try:
        if operation == "create":
            kit.created(folder, signing)
        ledger = kit.opened(folder, signing, segment_bytes_max=segment_bytes_max)
        try:
            OPERATIONS.get(operation, OPERATIONS["append"])(ledger)
        finally:
            ledger.abandon()
    except EvidentiaError as error:
        say(error=type(error).__name__)
    say(done=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
