"""The ledgers that are attacked, and what whoever verifies them holds."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path

from evidentia.errors import LedgerDamagedError
from evidentia.event.envelope import Draft
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead, LedgerOptions
from evidentia.ledger.verifying import LedgerVerdict, VerifyRules, verify_ledger
from evidentia.proof.claims import Level
from evidentia.proof.keys import Ed25519Signer, HmacSigner, Signer, Verifier
from evidentia.proof.policy import Contribution, Outcome, compose

ORIGIN = "ledger.example/payments"
OTHER = "ledger.example/letters"
SEED = bytes(range(32))
FOREIGN = bytes(reversed(range(32)))
POLICY = compose([Contribution(rule_id="tests.attack", outcome=Outcome.ALLOW, reason="a test")])
SEGMENT_BYTES = 4_000
OLD_SIZE, SIZE = 13, 25
"""Events when the backup was made, and at the end; the ledger's own first one is counted."""


class Holding(StrEnum):
    """What the verifier has that the attacker cannot reach."""

    NOTHING = "nothing"
    KEPT = "head in the store"
    HEAD = "signed head from elsewhere"
    KEY = "trusted key"
    BOTH = "trusted key and head in the store"


class Keeper:
    """Keeps a head in memory as the store does."""

    def __init__(self) -> None:
        self.kept: KeptHead | None = None

    def last(self, origin: str) -> KeptHead | None:
        """The head that is kept."""
        return self.kept if self.kept is not None and self.kept.origin == origin else None

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Compare and swap."""
        if self.kept != old:
            raise LedgerDamagedError("another head is kept")
        self.kept = new


def key_of(signing: Signing, origin: str, seed: bytes) -> Signer | None:
    """The key of a ledger of this sort, made from a seed."""
    if signing is Signing.NONE:
        return None
    return (HmacSigner if signing is Signing.HMAC else Ed25519Signer)(origin, seed)


def options_of(signing: Signing, origin: str, seed: bytes, keeper: Keeper | None) -> LedgerOptions:
    """How a ledger is written here: the same lines each time."""
    clock = count(1_767_225_600_000_000, 1_000_000)
    draws = count()
    return LedgerOptions(
        clock=lambda: next(clock),
        random=lambda size: hashlib.shake_256(b"%s %d" % (seed, next(draws))).digest(size),
        signer=key_of(signing, origin, seed),
        keeper=keeper,
        segment_bytes_max=SEGMENT_BYTES,
    )


def make(folder: Path, signing: Signing, origin: str, seed: bytes, keeper: Keeper | None) -> None:
    """A ledger of two dozen events; ``<folder>.old`` is a copy of it as it was half way."""
    options = options_of(signing, origin, seed, keeper)
    create_ledger(folder, origin, signing, options)
    for part in range(2):
        with open_ledger(folder, options) as ledger:
            for number in range(12 * part, 12 * part + 12):
                ledger.append([_draft(origin, number)], POLICY)
        if not part:
            shutil.copytree(folder, folder.with_suffix(".old"))


def _draft(origin: str, number: int) -> Draft:
    return Draft(
        event_type="example.paid.v1",
        payload={"amount": 100 + number, "to": "ada"},
        source={"type": "user", "id": origin},
        id=f"evt_{number:04d}",
    )


@dataclass(slots=True, kw_only=True)
class Scene:
    """A ledger under attack.

    Attributes:
        folder: What the attacker changes; ``old``, ``other`` and ``anew`` are at hand: its backup,
            another ledger of its owner, and one of its name that was made with a foreign key.
        kept: The head in the store.
        head: The signed head that the verifier put aside.
        trusted: The key that the verifier trusts.
        lines: The ledger as it was.
    """

    folder: Path
    signing: Signing
    lines: list[bytes]
    kept: KeptHead
    head: bytes | None
    trusted: tuple[Verifier, ...]
    old: Path
    other: Path
    anew: Path

    def at(self, folder: Path) -> Scene:
        """The same scene in a folder of its own, to be attacked."""
        shutil.copytree(self.folder.parent, folder)
        return replace(
            self,
            folder=folder / self.folder.name,
            old=folder / self.old.name,
            other=folder / self.other.name,
            anew=folder / self.anew.name,
        )

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What one can hold of such a ledger: one that signs nothing has no key and no head."""
        if self.signing is Signing.NONE:
            return (Holding.NOTHING, Holding.KEPT)
        return tuple(Holding)

    def verify(
        self, holding: Holding, *, level_min: Level = Level.CHAIN, is_deep: bool = False
    ) -> LedgerVerdict:
        """The verdict of someone who holds this."""
        has_key = holding in {Holding.KEY, Holding.BOTH}
        has_kept = holding in {Holding.KEPT, Holding.BOTH}
        heads = (("elsewhere", self.head),) if holding is Holding.HEAD and self.head else ()
        rules = VerifyRules(
            trusted=self.trusted if has_key else (),
            kept=self.kept if has_kept else None,
            heads=heads,
            level_min=level_min,
            is_deep=is_deep,
        )
        return verify_ledger(self.folder, rules)


def built(folder: Path, signing: Signing) -> Scene:
    """A ledger of this sort, with all that attackers may want at hand."""
    keeper = Keeper()
    target = folder / "ledger"
    make(target, signing, ORIGIN, SEED, keeper)
    make(folder / "other", signing, OTHER, SEED, None)
    make(folder / "anew", signing, ORIGIN, FOREIGN, None)
    assert keeper.kept is not None
    path = target / "head"
    signer = key_of(signing, ORIGIN, SEED)
    return Scene(
        folder=target,
        signing=signing,
        lines=[
            line
            for name in sorted(target.glob("*.jsonl"))
            for line in name.read_bytes().splitlines()
        ],
        kept=keeper.kept,
        head=path.read_bytes() if path.exists() else None,
        trusted=() if signer is None else (signer.verifier,),
        old=target.with_suffix(".old"),
        other=folder / "other",
        anew=folder / "anew",
    )
