"""Tree heads: origin, size and root of a ledger at one moment (C2SP tlog-checkpoint).

The text of a signed tree head is three lines: the origin, the size in decimal, the root in base64.
Lines after them are extensions: evidentia writes none, because no auditor of a tree checks them,
and keeps those of others aside.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.errors import ProofError
from evidentia.proof.claims import Level
from evidentia.proof.keys import KeyKind, Signer, Verifier, strict_base64
from evidentia.proof.note import Signature, open_note, sign_note
from evidentia.proof.tree import EMPTY_ROOT, HASH_BYTES, check_hash

SIZE_MAX: Final = 2**63 - 1
"""Largest size of a tree, so that it fits the integers of every store."""

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LINES: Final = 3
_BREAK: Final = re.compile(r"[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What a ledger held at one moment.

    Attributes:
        origin: The ledger's unique name, for ever.
        size: How many events there were.
        root: The RFC 6962 root over them.

    Raises:
        ProofError: The three do not make a tree head.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what no tree can have as its head."""
        if not self.origin or _BREAK.search(self.origin):
            raise ProofError(f"{self.origin!r} is no origin of a ledger")
        if not 0 <= self.size <= SIZE_MAX:
            raise ProofError(f"a tree of size {self.size}")
        check_hash(self.root)
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise ProofError("a tree of size 0 with a root that is not that of the empty tree")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTreeHead:
    """A tree head that known keys signed, one of the ledger's own among them.

    Attributes:
        head: What was signed.
        note: The signed tree head as it was read, every byte.
        keys: The known keys that signed.
        unverified: Signatures of keys that are not known.
        extensions: Lines that somebody added to the three.
    """

    head: TreeHead
    note: bytes
    keys: tuple[Verifier, ...]
    unverified: tuple[Signature, ...] = ()
    extensions: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """What the ledger's own signatures are worth: ``SIGNED``, or ``HMAC`` where only that."""
        own = {each.kind for each in self.keys if each.name == self.head.origin}
        return Level.SIGNED if KeyKind.ED25519 in own else Level.HMAC


def format_head(head: TreeHead) -> str:
    """The three lines that are signed."""
    return f"{head.origin}\n{head.size}\n{b64encode(head.root).decode()}\n"


def parse_head(text: str) -> tuple[TreeHead, tuple[str, ...]]:
    """The tree head of a note's text, and its extension lines.

    Raises:
        ProofError: The text is not that of a tree head.
    """
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES or not text.endswith("\n"):
        raise ProofError("a tree head has three lines: origin, size and root")
    if "" in lines:
        raise ProofError("a tree head has no empty lines", where=f"line {lines.index('') + 1}")
    origin, size, root = lines[:_LINES]
    if not _SIZE.fullmatch(size):
        raise ProofError(f"{size[:40]!r} is no size in decimal", where="line 2")
    decoded = strict_base64(root)
    if decoded is None or len(decoded) != HASH_BYTES:
        raise ProofError("the root is not the base64 of 32 bytes", where="line 3")
    return TreeHead(origin=origin, size=int(size), root=decoded), tuple(lines[_LINES:])


def sign_head(head: TreeHead, signers: Sequence[Signer]) -> bytes:
    """The signed tree head, as it is written to a file.

    Whether the head extends the one that was signed before is for the caller to make sure of.

    Raises:
        ProofError: There is no signer of the ledger's name, or one comes twice.
    """
    if head.origin not in {each.name for each in signers}:
        raise ProofError(f"no signer is named as the ledger is: {head.origin}")
    return sign_note(format_head(head), signers)


def open_head(
    raw: bytes, verifiers: Iterable[Verifier], origin: str | None = None
) -> SignedTreeHead:
    """The tree head of a file that a known key of that very ledger signed.

    Args:
        raw: The signed tree head.
        verifiers: The known keys.
        origin: The ledger that is expected; any if None.

    Raises:
        ProofError: It is not a signed tree head, is that of another ledger, a known key's
            signature is false, or no known key named as the ledger signed.
    """
    note = open_note(raw, verifiers)
    head, extensions = parse_head(note.text)
    if origin is not None and head.origin != origin:
        raise ProofError(f"the tree head is that of {head.origin}, not of {origin}")
    # Else whoever is trusted for one ledger, or as a witness, could speak for all others.
    if head.origin not in {each.name for each in note.verified}:
        raise ProofError(f"none of the known keys that signed is a key of {head.origin}")
    return SignedTreeHead(
        head=head,
        note=raw,
        keys=note.verified,
        unverified=note.unverified,
        extensions=extensions,
    )
