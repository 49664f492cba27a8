"""The Merkle tree over a ledger's events (RFC 6962 §2.1), held as its compact range.

A compact range is the roots of the full subtrees that a tree of some size consists of, one for
each bit that is set in the size: at most 64 hashes, and all that appending and the root need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from evidentia.errors import ProofError

HASH_BYTES: Final = 32
"""Bytes of a leaf hash, of a node hash and of a root."""
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The leaf hash of an entry: an event's line without its newline."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two hashes."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """A tree that grows by leaf hashes and knows its root.

    Args:
        size: How many leaves there are already.
        hashes: The roots of the full subtrees of that size, largest first.

    Raises:
        ProofError: The hashes do not fit the size.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size < 0 or len(hashes) != size.bit_count():
            raise ProofError(f"{len(hashes)} subtree hashes do not make a tree of size {size}")
        for each in hashes:
            check_hash(each)
        self._size = size
        self._hashes = [bytes(each) for each in hashes]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The roots of the full subtrees, largest first."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end.

        Raises:
            ProofError: It is not of 32 bytes; the tree is as it was.
        """
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the end, in order.

        Raises:
            ProofError: One is not of 32 bytes; those before it were added.
        """
        digest_of, hashes, size = sha256, self._hashes, self._size
        pop, push = hashes.pop, hashes.append
        try:
            for leaf in leaves:
                check_hash(leaf)
                # Two subtrees of one size become one, as a carry does when one is added.
                node, carry = leaf, size
                while carry & 1:
                    node = digest_of(b"\x01" + pop() + node).digest()
                    carry >>= 1
                push(node)
                size += 1
        finally:
            self._size = size

    def root(self) -> bytes:
        """The root of the tree as it is."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in self._hashes[-2::-1]:
            root = node_hash(left, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes.

    Raises:
        ProofError: One is not of 32 bytes.
    """
    tree = CompactRange()
    tree.extend(leaves)
    return tree.root()


def check_hash(value: bytes) -> None:
    """Do nothing for a hash of 32 bytes.

    Raises:
        ProofError: It is of another length.
    """
    if len(value) != HASH_BYTES:
        raise ProofError(f"a hash of {len(value)} bytes, not {HASH_BYTES}")
