"""Small ledgers for tests: a clock that ticks, keys that are always the same, drafts by number."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerDamagedError
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonValue
from evidentia.ledger.appending import Ledger
from evidentia.ledger.disk import Disk
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import Acknowledgement, KeptHead, LedgerOptions
from evidentia.proof.keys import Ed25519Signer, HmacSigner, Signer
from evidentia.proof.policy import Contribution, Outcome, PolicyDecision, compose

ORIGIN: Final = "test.example/ledger"
START_US: Final = 1_795_000_000_000_000
ALLOW: Final[PolicyDecision] = compose(
    [Contribution(rule_id="test.rule", outcome=Outcome.ALLOW, reason="a test")]
)


def ticking(start_us: int = START_US) -> Callable[[], int]:
    """A clock that is one millisecond later each time."""
    counter = itertools.count(start_us, 1000)
    return lambda: next(counter)


def chance(seed: int = 1) -> Callable[[int], bytes]:
    """Random bytes that are the same in each run; not for two openings of one ledger."""
    return random.Random(seed).randbytes  # noqa: S311 - the same again


def signer(number: int = 1, origin: str = ORIGIN) -> Ed25519Signer:
    """The key with a number."""
    return Ed25519Signer(origin, bytes([number]) * 32)


def key_for(signing: Signing) -> Signer | None:
    """The key that a ledger which signs so has here."""
    if signing is Signing.NONE:
        return None
    return HmacSigner(ORIGIN, b"\x07" * 32) if signing is Signing.HMAC else signer()


def options(
    signing: Signing = Signing.NONE, disk: Disk | None = None, **more: object
) -> LedgerOptions:
    """Options without a reserve, so that a small disk will do."""
    found = LedgerOptions(
        clock=ticking(),
        signer=key_for(signing),
        reserve_bytes=0,
        disk=disk or Disk(),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def draft(number: int, event_id: str | None = "", payload: JsonValue = None) -> Draft:
    """The draft with a number; its id is ``e<number>`` unless another, or None, is given."""
    return Draft(
        event_type="test.event.v1",
        payload=payload if payload is not None else {"number": number, "text": "x" * (number % 7)},
        id=f"e{number}" if event_id == "" else event_id,
        observed_at="2026-11-27T12:00:00Z",
    )


def drafts(*numbers: int) -> list[Draft]:
    """Drafts with these numbers."""
    return [draft(number) for number in numbers]


def created(folder: Path, signing: Signing = Signing.NONE, **more: object) -> Path:
    """A ledger that has only its first event."""
    create_ledger(folder, ORIGIN, signing, options(signing, **more))
    return folder


def opened(folder: Path, signing: Signing = Signing.NONE, **more: object) -> Ledger:
    """A ledger, open for appending."""
    return open_ledger(folder, options(signing, **more))


def filled(
    folder: Path, numbers: Sequence[int], signing: Signing = Signing.NONE, **more: object
) -> list[Acknowledgement]:
    """Make a ledger, append one event for each number, close it."""
    created(folder, signing, **more)
    with opened(folder, signing, **more) as ledger:
        return [each for number in numbers for each in ledger.append(drafts(number), ALLOW)]


def last_segment(folder: Path) -> Path:
    """The file that grows."""
    return max(folder.glob("*.jsonl"))


def lines(folder: Path) -> list[bytes]:
    """All lines of a ledger, as they lie on the disk."""
    whole = b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))
    return whole.splitlines()


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a ledger but its lock, by their path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


class MemoryKeeper:
    """Keeps heads in memory, by compare and swap."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptHead] = {}

    def last(self, origin: str) -> KeptHead | None:
        """The head that is kept for a ledger."""
        return self.kept.get(origin)

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Put one in the place of another, if that is what is kept."""
        if self.kept.get(new.origin) != old:
            raise LedgerDamagedError("another head is kept")
        self.kept[new.origin] = new
