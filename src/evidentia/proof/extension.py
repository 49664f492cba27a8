"""Extension files: that a ledger only grew between two heads, in the form that witnesses take.

The lines are those of C2SP's tlog-witness request: ``old <size>``, the base64 of each hash of the
consistency path, an empty line, and the newer signed tree head, every byte of it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from evidentia.errors import ProofError
from evidentia.proof.head import TreeHead, open_head
from evidentia.proof.inclusion import verify_consistency
from evidentia.proof.keys import Verifier, strict_base64
from evidentia.proof.note import NOTE_BYTES_MAX
from evidentia.proof.tree import HASH_BYTES, check_hash

PATH_MAX: Final = 63
"""Most hashes that C2SP allows; a tree of 2**62 leaves needs as many."""

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """That the tree of a signed head begins with the tree of an older size.

    Attributes:
        old_size: The size of the older head.
        path: The consistency path.
        head: The newer signed tree head, as it was written.

    Raises:
        ProofError: The parts cannot be written to a file.
    """

    old_size: int
    path: tuple[bytes, ...]
    head: bytes

    def __post_init__(self) -> None:
        """Refuse what would not read back."""
        if self.old_size < 0 or len(self.path) > PATH_MAX:
            raise ProofError(f"a proof from size {self.old_size} with {len(self.path)} hashes")
        for each in self.path:
            check_hash(each)


def format_extension(extension: Extension) -> bytes:
    """The bytes of an extension file."""
    hashes = [b64encode(each).decode() for each in extension.path]
    return "\n".join([f"old {extension.old_size}", *hashes, "", ""]).encode() + extension.head


def parse_extension(raw: bytes) -> Extension:
    """The parts of an extension file; nothing is verified.

    Raises:
        ProofError: It is not one.
    """
    top, separator, head = raw[:NOTE_BYTES_MAX].partition(b"\n\n")
    if not separator or not top.isascii():
        raise ProofError("an extension file has ASCII lines, an empty line and a signed tree head")
    first, *lines = top.decode().split("\n")
    old = _OLD.fullmatch(first)
    if old is None:
        raise ProofError("an extension file starts with old and the older size", where="line 1")
    return Extension(
        old_size=int(old[1]), path=tuple(_parse_hash(line) for line in lines), head=head
    )


def check_extension(
    extension: Extension, older: TreeHead, verifiers: Iterable[Verifier]
) -> TreeHead:
    """The newer head, which extends the older one.

    Raises:
        ProofError: The newer head does not hold, is another ledger's, or does not extend the older.
    """
    newer = open_head(extension.head, verifiers, older.origin).head
    if extension.old_size != older.size:
        raise ProofError(f"the proof is from size {extension.old_size}, the head of {older.size}")
    verify_consistency(older.size, older.root, newer.size, newer.root, extension.path)
    return newer


def _parse_hash(line: str) -> bytes:
    decoded = strict_base64(line)
    if decoded is None or len(decoded) != HASH_BYTES:
        raise ProofError("a hash of the path is not the base64 of 32 bytes", where=repr(line[:60]))
    return decoded
