"""Whether the bytes already read are still there: hashes of a segment's head and anchor.

The head is the first 1,024 bytes, the anchor the 4,096 bytes before the checkpoint, both of the
decompressed stream and less where less was read. Device, inode, size, times and names are hints
that prove nothing; these hashes do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from blake3 import blake3

from evidentia.errors import LogChangedError, LogUnreadableError
from evidentia.event.values import ByteOffset
from evidentia.log.compression import DEFAULT_LIMITS, open_stream
from evidentia.log.names import printable
from evidentia.log.opening import ByteStream, RawLog
from evidentia.log.values import (
    ANCHOR_BYTES,
    HEAD_BYTES,
    Fingerprint,
    Limits,
    LogPlace,
    Stretch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityBytes:
    """The bytes that a fingerprint covers, themselves."""

    head: bytes = b""
    anchor: bytes = b""

    def fingerprint(self) -> Fingerprint:
        """Their hashes."""
        return Fingerprint(
            head_bytes=len(self.head),
            head_hash=blake3(self.head).digest(),
            anchor_bytes=len(self.anchor),
            anchor_hash=blake3(self.anchor).digest(),
        )


_NOTHING_READ: Final = IdentityBytes()


def fingerprint(
    place: LogPlace,
    checkpoint: ByteOffset,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> Fingerprint:
    """The fingerprint of the log up to a checkpoint.

    Raises:
        LogMissingError: Nothing is there.
        LogUnreadableError: It cannot be read, or ends before the checkpoint.
        LogCorruptError: The archive expands beyond the limits.
    """
    found = read_identity(place, checkpoint, limits=limits)
    if found is None:
        raise LogUnreadableError(
            "the log ends before its checkpoint",
            where=f"{printable(place.path)}, byte {checkpoint}",
            fix="run again; a truncated log begins its next segment",
        )
    return found.fingerprint()


def still_holds(
    place: LogPlace,
    known: Fingerprint,
    checkpoint: ByteOffset,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> bool:
    """Whether the bytes before the checkpoint are, as far as two hashes can tell, those known.

    False when the stream is shorter, when its archive breaks before the checkpoint, or when either
    hash differs. A change between head and anchor goes unseen here; ``verify`` finds it.

    Raises:
        LogMissingError: Nothing is there.
        LogUnreadableError: It cannot be read.
        LogCorruptError: The archive expands beyond the limits.
    """
    found = resume_fingerprint(place, known, checkpoint, limits=limits)
    return found is not None


def resume_fingerprint(
    place: LogPlace,
    known: Fingerprint,
    checkpoint: ByteOffset,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> FingerprintBuilder | None:
    """A builder that goes on from the checkpoint, or ``None`` where ``still_holds`` says no.

    Raises:
        LogMissingError: Nothing is there.
        LogUnreadableError: It cannot be read.
        LogCorruptError: The archive expands beyond the limits.
    """
    found = read_identity(place, checkpoint, limits=limits)
    if found is None or found.fingerprint() != known:
        return None
    return FingerprintBuilder(found)


def read_identity(
    place: LogPlace,
    checkpoint: ByteOffset,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> IdentityBytes | None:
    """The head and the anchor, or ``None`` when the stream does not reach the checkpoint.

    At most 5,120 bytes of a plain file are read; an archive is decompressed up to the checkpoint.

    Raises:
        LogMissingError: Nothing is there.
        LogUnreadableError: It cannot be read.
        LogCorruptError: The archive expands beyond the limits.
    """
    with open_stream(place, limits=limits) as stream:
        found = _identity_of(stream, checkpoint)
    is_whole = len(found.head) == min(HEAD_BYTES, checkpoint) and len(found.anchor) == min(
        ANCHOR_BYTES, checkpoint
    )
    return found if is_whole else None


def require_intact(raw: RawLog, known: IdentityBytes, checkpoint: int) -> None:
    """Return when an open plain file still holds the bytes that were read from it.

    Args:
        raw: The file; its position is moved.
        known: Its first bytes as they were read, and those before the checkpoint.
        checkpoint: Where the anchor ends.

    Raises:
        LogChangedError: It was cut or written anew meanwhile.
        LogUnreadableError: It cannot be read.
    """
    for start, data in ((0, known.head), (checkpoint - len(known.anchor), known.anchor)):
        raw.skip_to(start)
        if raw.read(len(data)) != data:
            raise LogChangedError(
                "the log was cut or written anew while it was being read",
                where=f"{printable(raw.path)}, byte {start}",
                fix="run again; the next look tells what it holds now",
            )


def _identity_of(stream: ByteStream, checkpoint: ByteOffset) -> IdentityBytes:
    """Head and anchor in one reading from front to back; too short where the stream is."""
    if checkpoint <= HEAD_BYTES + ANCHOR_BYTES:
        data = stream.salvage(checkpoint)
        return IdentityBytes(
            head=data[:HEAD_BYTES], anchor=data[max(0, checkpoint - ANCHOR_BYTES) :]
        )
    head = stream.salvage(HEAD_BYTES)
    stream.skip_to(ByteOffset(checkpoint - ANCHOR_BYTES))
    return IdentityBytes(head=head, anchor=stream.salvage(ANCHOR_BYTES))


class FingerprintBuilder:
    """The fingerprint at the next checkpoint, from the pieces that lead there.

    Nothing is read again by path: between reading and committing a rotation may have put another
    file there, whose bytes would then vouch for the wrong one.
    """

    def __init__(self, read_before: IdentityBytes = _NOTHING_READ) -> None:
        self._head = read_before.head
        self._anchor = read_before.anchor

    def feed(self, data: bytes) -> None:
        """Take the bytes of a ``Block`` or ``Break``, or any that follow those taken before."""
        self._take(data, data)

    def feed_stretch(self, stretch: Stretch) -> None:
        """Take a stretch, of which only both ends are known, which is enough."""
        self._take(stretch.first_bytes, stretch.last_bytes)

    def fingerprint(self) -> Fingerprint:
        """The fingerprint with the checkpoint behind the last byte taken."""
        return IdentityBytes(head=self._head, anchor=self._anchor).fingerprint()

    @property
    def read_so_far(self) -> IdentityBytes:
        """The bytes that the fingerprint covers."""
        return IdentityBytes(head=self._head, anchor=self._anchor)

    def _take(self, first: bytes, last: bytes) -> None:
        if len(self._head) < HEAD_BYTES:
            self._head += first[: HEAD_BYTES - len(self._head)]
        # Ends shorter than the anchor are whole, so what was there before still counts.
        self._anchor = (self._anchor + last[-ANCHOR_BYTES:])[-ANCHOR_BYTES:]
