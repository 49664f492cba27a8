"""Proof files: one text that shows offline that an event is in a ledger (C2SP tlog-proof).

The lines are ``c2sp.org/tlog-proof@v1``; ``extra <base64>``, if there is any; ``index <n>``, the
event's sequence; the base64 of each hash of the inclusion path, lowest first; an empty line; and
the signed tree head, every byte of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evidentia.errors import ProofError
from evidentia.proof.head import TreeHead, open_head
from evidentia.proof.inclusion import verify_inclusion
from evidentia.proof.keys import Verifier, strict_base64
from evidentia.proof.note import NOTE_BYTES_MAX
from evidentia.proof.tree import HASH_BYTES, check_hash, leaf_hash

PROOF_BYTES_MAX: Final = 2 * NOTE_BYTES_MAX
"""Longest proof file that is read: a head, a path and as much extra."""
PATH_MAX: Final = 63
"""Most hashes in a path: a tree has fewer than 2**63 leaves."""

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_EXTRA: Final = "extra "
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That one event is in a ledger, by the signed tree head that it carries.

    Attributes:
        index: The event's sequence.
        path: The inclusion path, lowest hash first.
        head: The signed tree head, as it was written.
        extra: Bytes that go along; nothing vouches for them.

    Raises:
        ProofError: The parts cannot be written to a proof file.
    """

    index: int
    path: tuple[bytes, ...]
    head: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        """Refuse what would not read back."""
        if self.index < 0:
            raise ProofError(f"a proof for leaf {self.index}")
        if len(self.path) > PATH_MAX:
            raise ProofError(f"a proof of more than {PATH_MAX} hashes")
        for each in self.path:
            check_hash(each)


def format_proof(proof: Proof) -> bytes:
    """The bytes of a proof file."""
    extra = [_EXTRA + b64encode(proof.extra).decode()] if proof.extra else []
    hashes = [b64encode(each).decode() for each in proof.path]
    lines = [_FIRST_LINE, *extra, f"index {proof.index}", *hashes, "", ""]
    return "\n".join(lines).encode() + proof.head


def parse_proof(raw: bytes) -> Proof:
    """The parts of a proof file; nothing is verified.

    Raises:
        ProofError: It is not a proof file.
    """
    if len(raw) > PROOF_BYTES_MAX:
        raise ProofError(f"a proof file of more than {PROOF_BYTES_MAX} bytes")
    top, separator, head = raw.partition(b"\n\n")
    if not separator or not top.isascii():
        raise ProofError("a proof file has ASCII lines, an empty line and a signed tree head")
    first, *lines = top.decode().split("\n")
    if first != _FIRST_LINE:
        raise ProofError(f"a proof file starts with {_FIRST_LINE}", where="line 1")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = _parse_extra(lines.pop(0))
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None:
        raise ProofError("a proof file names the index of its leaf", where="the line index")
    path = tuple(_parse_hash(line) for line in lines[1:])
    return Proof(index=int(index[1]), path=path, head=head, extra=extra)


def check_proof(
    proof: Proof, entry: bytes, verifiers: Iterable[Verifier], origin: str | None = None
) -> TreeHead:
    """The tree head that vouches for the entry, an event's line without its newline.

    Raises:
        ProofError: The signed tree head does not hold (``open_head``), or the entry is not in its
            tree at that index.
    """
    head = open_head(proof.head, verifiers, origin).head
    verify_inclusion(leaf_hash(entry), proof.index, head.size, proof.path, head.root)
    return head


def _parse_extra(line: str) -> bytes:
    extra = strict_base64(line.removeprefix(_EXTRA))
    if not extra:
        raise ProofError("the extra of a proof file is base64", where="the line extra")
    return extra


def _parse_hash(line: str) -> bytes:
    decoded = strict_base64(line)
    if decoded is None or len(decoded) != HASH_BYTES:
        raise ProofError("a hash of the path is not the base64 of 32 bytes", where=repr(line[:60]))
    return decoded
