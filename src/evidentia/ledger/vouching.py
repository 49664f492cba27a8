"""What a ledger's verdict may rest on besides its own lines: heads from elsewhere, trusted keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidentia.errors import ProofError
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead
from evidentia.proof.head import TreeHead, parse_head
from evidentia.proof.keys import KeyKind, Verifier, VerifierKey
from evidentia.proof.note import parse_note

STORE = "the store"
"""How the place of a kept head is called."""

Keys = Sequence[tuple[int, VerifierKey]]
"""A ledger's keys in order, each with the sequence from which it signs."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A head whose signatures nobody has looked at."""

    where: str
    head: TreeHead
    note: bytes
    is_elsewhere: bool


def stated_head(where: str, note: bytes, *, is_elsewhere: bool) -> Stated:
    """The head that a signed tree head is about.

    Raises:
        ProofError: It is not a signed tree head.
    """
    head, _ = parse_head(parse_note(note).text)
    return Stated(where, head, note, is_elsewhere)


def kept_head(kept: KeptHead) -> Stated:
    """The head that is kept of a ledger."""
    head = TreeHead(origin=kept.origin, size=kept.size, root=kept.root)
    return Stated(STORE, head, kept.note, is_elsewhere=True)


def is_own_note(kept: KeptHead) -> bool:
    """Whether the signed tree head that is kept is about the head that is kept beside it.

    Whoever changes size and root of a kept head cannot sign them, and may leave the old signature.
    """
    if not kept.note:
        return True
    try:
        head, _ = parse_head(parse_note(kept.note).text)
    except ProofError:
        return False
    return (head.origin, head.size, head.root) == (kept.origin, kept.size, kept.root)


def believed(keys: Keys, trusted: Sequence[Verifier]) -> tuple[Verifier, ...]:
    """The trusted keys, and the keys of the ledger that these handed on to.

    Each key of a ledger is signed for by the one before it, so trust goes on from a key to those
    that follow it, and never back: a key can be named by whoever holds the one before.
    """
    first = next((place for place, (_, key) in enumerate(keys) if key in trusted), len(keys))
    return tuple(dict.fromkeys((*trusted, *(key for _, key in keys[first:]))))


def row_signers(keys: Keys, trusted: Sequence[Verifier], size: int) -> tuple[VerifierKey, ...]:
    """The believed keys that signed rows of a ledger in which every row is signed.

    A key that the last event rotates to has signed none: it does not vouch for those before.
    """
    known = believed(keys, trusted)
    return tuple(key for since, key in keys if key in known and since < size)


def is_hmac_used(signing: Signing, trusted: Sequence[Verifier]) -> bool:
    """False where an HMAC key is all that is trusted, for a ledger that says it signs by none.

    The name of an HMAC key stands nowhere in its ledger, so a ledger that was made anew in the
    place of one with such a key is known only by this.
    """
    return (
        signing is Signing.HMAC or not trusted or {each.kind for each in trusted} != {KeyKind.HMAC}
    )
