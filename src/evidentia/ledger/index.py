"""What a segment's lines amount to: leaf hashes, places, ids, and where the tree and chain stand.

For a closed segment this is written to a file beside it, so that opening a ledger reads only its
last segment. The file is derived: one that is missing, damaged or of another length than its
segment is not used, and its segment is read again. It is written in the machine's byte order,
which its head says, because it never leaves the machine it was written on.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import blake3
import msgspec

from evidentia.ledger.chain import Chain
from evidentia.ledger.statements import Signing
from evidentia.proof.keys import VerifierKey
from evidentia.proof.tree import HASH_BYTES, CompactRange

_MAGIC: Final = f"evidentia ledger index v1 {sys.byteorder}\n".encode()
_DIGEST_BYTES: Final = 32


class Hashes:
    """Hashes that lie one after the other in one stretch of memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(data)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._data) // HASH_BYTES

    def __getitem__(self, stretch: slice) -> Iterator[bytes]:
        """Those of a stretch, in order."""
        start, stop, _ = stretch.indices(len(self))
        data = bytes(self._data[start * HASH_BYTES : stop * HASH_BYTES])
        return (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where chain and tree stand between two events.

    Attributes:
        hashes: The tree's subtrees, largest first.
        keys: The ledger's verifier keys so far, each with the sequence from which it signs.
    """

    size: int = 0
    event_hash: str | None = None
    hashes: tuple[bytes, ...] = ()
    origin: str = ""
    signing: Signing = Signing.NONE
    keys: tuple[tuple[int, str], ...] = ()

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return self.tree().root()

    def tree(self) -> CompactRange:
        """The tree so far, to be extended."""
        return CompactRange(self.size, self.hashes)

    def chain(self) -> Chain:
        """The chain so far, to be gone on with."""
        return Chain(
            size=self.size,
            event_hash=self.event_hash,
            origin=self.origin,
            signing=self.signing,
            keys=[(since, VerifierKey.parse(text)) for since, text in self.keys],
        )


def standing_of(chain: Chain, tree: CompactRange) -> Standing:
    """The standing that a chain and its tree have come to."""
    return Standing(
        size=tree.size,
        event_hash=chain.event_hash,
        hashes=tree.hashes,
        origin=chain.origin,
        signing=chain.signing,
        keys=tuple((since, key.format()) for since, key in chain.keys),
    )


@dataclass(slots=True, kw_only=True)
class SegmentIndex:
    """One segment's lines. Grows while the segment does.

    Attributes:
        before: Where chain and tree stood before its first event.
        after: Where they stood after its last, once it is closed.
        leaves: The leaf hashes, one after the other.
        ends: Where each line ends, its newline included.
        ids: The sequence of each id, of a segment that grows.
        tags: What stands for the ids of a closed segment, in order.
        tagged: The sequences that belong to the tags.
    """

    before: Standing = field(default_factory=Standing)
    after: Standing | None = None
    leaves: bytearray | memoryview = field(default_factory=bytearray)
    ends: array[int] | memoryview = field(default_factory=lambda: array("Q"))
    ids: dict[str, int] = field(default_factory=dict)
    tags: Sequence[int] = ()
    tagged: Sequence[int] = ()

    @property
    def size(self) -> int:
        """Events in the ledger up to the end of this segment."""
        return self.before.size + len(self.ends)

    @property
    def byte_end(self) -> int:
        """Bytes of the segment that these lines take."""
        return self.ends[-1] if len(self.ends) else 0

    def add(self, event_id: str, leaf: bytes, line_bytes: int) -> None:
        """Take in the next line of a segment that grows."""
        self.extend((event_id,), (leaf,), (line_bytes,))

    def extend(
        self, ids: Sequence[str], leaves: Sequence[bytes], line_bytes: Sequence[int]
    ) -> None:
        """Take in the next lines of a segment that grows."""
        if isinstance(self.leaves, memoryview) or isinstance(self.ends, memoryview):
            raise TypeError("a closed segment does not grow")
        self.ids.update(zip(ids, count(self.size)))
        self.leaves += b"".join(leaves)
        end = self.byte_end
        for each in line_bytes:
            end += each + 1
            self.ends.append(end)

    def cut(self, size: int) -> None:
        """Forget the events of a growing segment from a sequence on."""
        count = size - self.before.size
        self.leaves = self.leaves[: count * HASH_BYTES]
        self.ends = self.ends[:count]
        self.ids = {name: at for name, at in self.ids.items() if at < size}

    def span(self, sequence: int) -> tuple[int, int]:
        """Where an event's line begins and where it ends, without its newline."""
        place = sequence - self.before.size
        return (self.ends[place - 1] if place else 0), self.ends[place] - 1

    def byte_start(self, sequence: int) -> int:
        """Where the line of an event begins, or would begin if it were the next."""
        place = sequence - self.before.size
        return self.ends[place - 1] if place else 0

    def candidates(self, event_id: str) -> Iterator[int]:
        """Sequences of the events that may have an id: their lines say whether they do."""
        if event_id in self.ids:
            yield self.ids[event_id]
        tag = tag_of(event_id)
        at = bisect_left(self.tags, tag)
        while at < len(self.tags) and self.tags[at] == tag:
            yield self.tagged[at]
            at += 1

    def hashes(self) -> Hashes:
        """The leaf hashes."""
        return Hashes(self.leaves)

    def tree_at(self, size: int) -> CompactRange:
        """The tree over the ledger's first ``size`` events, the last of which is in here."""
        tree = self.before.tree()
        tree.extend(self.hashes()[: size - self.before.size])
        return tree


def tag_of(event_id: str) -> int:
    """Eight bytes that stand for an id in an index."""
    return int.from_bytes(blake3.blake3(event_id.encode()).digest(8), sys.byteorder)


class _Head(msgspec.Struct, frozen=True, array_like=True):
    count: int
    before: Standing
    after: Standing


def packed(index: SegmentIndex, after: Standing) -> bytes:
    """The bytes of an index file: digest, head, leaf hashes, ends, tags and their sequences."""
    by_tag = sorted((tag_of(event_id), sequence) for event_id, sequence in index.ids.items())
    head = msgspec.msgpack.encode(_Head(len(index.ends), index.before, after))
    body = b"".join(
        (
            len(head).to_bytes(4, "big"),
            head,
            bytes(index.leaves),
            index.ends.tobytes(),
            array("Q", [tag for tag, _ in by_tag]).tobytes(),
            array("Q", [sequence for _, sequence in by_tag]).tobytes(),
        )
    )
    return _MAGIC + blake3.blake3(body).digest() + body


def unpacked(data: memoryview, before_size: int, segment_bytes: int) -> SegmentIndex | None:
    """The index that a file holds; None when it is not that of this segment, or is damaged."""
    place = len(_MAGIC) + _DIGEST_BYTES
    body = data[place:]
    is_ours = data[: len(_MAGIC)] == _MAGIC
    if not is_ours or blake3.blake3(body).digest() != data[len(_MAGIC) : place]:
        return None
    rest = 4 + int.from_bytes(body[:4], "big")
    head = msgspec.msgpack.decode(body[4:rest], type=_Head)
    ends = rest + head.count * HASH_BYTES
    numbers = [
        body[ends + at * head.count * 8 : ends + (at + 1) * head.count * 8].cast("Q")
        for at in range(3)
    ]
    index = SegmentIndex(
        before=head.before,
        after=head.after,
        leaves=body[rest:ends],
        ends=numbers[0],
        tags=numbers[1],
        tagged=numbers[2],
    )
    is_this = head.before.size == before_size and index.byte_end == segment_bytes
    return index if is_this else None
