"""The values the log room hands out: sources, files, blocks of whole lines, stretches, tails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

from evidentia.event.values import ByteOffset, LineNumber

MEBIBYTE: Final = 1024 * 1024
HEAD_BYTES: Final = 1_024
"""How much of a segment's start its fingerprint covers."""
ANCHOR_BYTES: Final = 4_096
"""How much before the checkpoint a fingerprint covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading a log may cost.

    Attributes:
        line_bytes_max: A longer line is hashed while it streams by and becomes a dead letter.
        block_bytes: How many bytes of whole lines are handed on at once, about.
        expansion_max: A compressed file may expand to this many times its size ..
        expansion_free_bytes: .. but an expansion below this size is never refused ..
        decompressed_bytes_max: .. and one above this size always is.
    """

    line_bytes_max: int = 16 * MEBIBYTE
    block_bytes: int = MEBIBYTE
    expansion_max: int = 100
    expansion_free_bytes: int = 64 * MEBIBYTE
    decompressed_bytes_max: int = 10 * 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """One entry of the allow-list: a path or glob, and the pack that reads it."""

    pattern: str
    pack: str
    is_lenient: bool = False


class Compression(StrEnum):
    """How the bytes of a file are packed, told by its first bytes, not by its name."""

    NONE = "none"
    GZIP = "gz"
    BZIP2 = "bz2"
    XZ = "xz"
    ZSTANDARD = "zst"


FileIdentity: TypeAlias = tuple[int, int, int | None]
"""Device, inode, and the generation that tells apart those which had the inode one after the other;
None where the file system does not say, or where it does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """Where the bytes of a log are to be had.

    Attributes:
        identity: What the path must still lead to; None where that is not known.
        held: An open descriptor that is read instead of the path.
    """

    path: Path
    compression: Compression
    identity: FileIdentity | None = None
    held: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """A file found through the allow-list; one per (device, inode)."""

    path: Path
    """The resolved path."""
    names: tuple[str, ...]
    """Every spelling under which the allow-list reached it, in order."""
    source: LogSource
    compression: Compression
    device: int
    inode: int
    size: int
    """Bytes on disk (compressed, where the file is)."""
    mtime_us: int
    """Shown to people only; nothing is ever decided by it."""
    generation: int | None = None
    """What tells two files of one inode number apart, where the file system says it."""
    held: int | None = None
    """An open descriptor of the file, where its name may lead elsewhere by now."""
    acknowledged: int | None = None
    """Bytes that the writer of a ledger has acknowledged; what follows is not read yet."""

    @property
    def place(self) -> LogPlace:
        """Where its bytes are to be had: nowhere else, whatever a rotation puts at its path.

        An inode of 0 stands for one that is not known.
        """
        return LogPlace(
            path=self.path,
            compression=self.compression,
            identity=(self.device, self.inode, self.generation) if self.inode else None,
            held=self.held,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Hashes that tell whether bytes already read are still there.

    Attributes:
        head_bytes: How many bytes at the start are covered: min(1,024, checkpoint).
        head_hash: BLAKE3 of them.
        anchor_bytes: How many bytes before the checkpoint are covered: min(4,096, checkpoint).
        anchor_hash: BLAKE3 of them.
    """

    head_bytes: int
    head_hash: bytes
    anchor_bytes: int
    anchor_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    r"""Whole lines, each ended by ``\n`` (the last may lack it when ``is_final``).

    Attributes:
        start: Byte offset of the first byte of ``data`` in the segment.
        first_line: Number of the first line.
        data: The exact bytes.
        is_final: The last line has no newline and the segment is finished.
    """

    start: ByteOffset
    first_line: LineNumber
    data: bytes
    is_final: bool = False


class ArchiveCondition(StrEnum):
    """What became of an archive read to its end."""

    CLEAN = "clean"
    TRUNCATED = "truncated"
    """It ends too early and may still be being written."""
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveState:
    """An archive as one whole reading found it.

    Attributes:
        decompressed_bytes: All of them when clean; else those before the fault.
        detail: What the decompressor said; empty when clean.
    """

    condition: ArchiveCondition
    decompressed_bytes: int
    detail: str = ""


class StretchKind(StrEnum):
    """What a stretch of bytes that was not held in memory is."""

    LONG_LINE = "long_line"
    NUL_RUN = "nul_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Bytes that were hashed while they streamed by, because there are too many to hold.

    Attributes:
        start: Byte offset of the first byte.
        line: Number of the line it belongs to.
        length: Bytes, with the line's newline where there is one.
        sha256: SHA-256 of the line without its newline.
        blake3: BLAKE3 of all ``length`` bytes.
        has_newline: The stretch ends a line.
        first_bytes: Its first bytes, at most ``HEAD_BYTES``: they name the file and show people
            what the line looks like.
        last_bytes: Its last bytes, at most ``ANCHOR_BYTES``: the anchor of the next checkpoint.
    """

    kind: StretchKind
    start: ByteOffset
    line: LineNumber
    length: int
    sha256: bytes
    blake3: bytes
    has_newline: bool
    first_bytes: bytes = b""
    last_bytes: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Bytes after the last newline of a file that may still grow: held back, never an event yet."""

    start: ByteOffset
    line: LineNumber
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A compressed file that stops making sense.

    Attributes:
        start: Byte offset after the last whole line before the error.
        line: Number of the line that was cut.
        data: The bytes of the cut line that could still be read (at most the line limit).
        detail: What the decompressor said.
        is_truncated: The file merely ends early and may still be being written.
    """

    start: ByteOffset
    line: LineNumber
    data: bytes
    detail: str
    is_truncated: bool


Piece = Block | Stretch | Tail | Break
