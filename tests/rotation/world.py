"""A folder of logs that writers, rotations and operators change, and what of it could be read.

This is the model that the state machine compares the store with. It knows what it wrote and what
lies on the disk, never what the program under test believes: no table of the store is read here.

A line counts as readable when it stood in a file of the list during some look that came to its end,
in plain or in a complete compressed form. A file that was seen by a loader that is up and vanished
afterwards counts for the next look as well, through the descriptor that the loader has open.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard

LIVE: Final = "live.jsonl"
KEPT: Final = 3
"""How many rotated files a rotation keeps; the next one deletes the oldest."""
HEADER_BYTES: Final = 12
"""A half-written archive has at least its header, and a flipped byte is behind it."""
PADS: Final = (0, 7, 1_100, 4_500)
"""What lines are filled up with: below and above what head and anchor cover."""

PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
UNPACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zst": lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 24),
}


def line_of(number: int, pad: int = 0) -> bytes:
    """The line with this running number, and its newline."""
    return b'{"kind":"good","n":%d,"pad":"%s"}\n' % (number, b"x" * pad)


@dataclass(kw_only=True)
class Late:
    """A writer that still has a renamed file open, and the rest of the line that it began."""

    descriptor: int
    rest: bytes = b""


@dataclass(kw_only=True)
class Packing:
    """A compressor at work: the archive is there in part, the plain file still is."""

    plain: Path
    archive: Path
    data: bytes
    packed: bytes


@dataclass(kw_only=True)
class Sight:
    """What a look could see: the bytes of each file, by name, and its inode."""

    contents: dict[str, bytes] = field(default_factory=dict)
    inodes: dict[int, str] = field(default_factory=dict)


class Disk:
    """The files themselves: what writers and rotations do, and what can be seen of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.live = folder / LIVE
        self.next_number = 0
        self.events: dict[bytes, int] = {}
        """Every line ever written whole, without its newline, and the stream it belongs to."""
        self.garbage: Counter[bytes] = Counter()
        self.tails: set[bytes] = set()
        """Beginnings of lines, which a closed archive may end with."""
        self.stream = 0
        self.late: list[Late] = []
        self.packing: Packing | None = None
        self.is_copying = False
        self.backup: bytes | None = None
        self._out: int | None = None
        self._rest = b""
        self._is_torn = False
        self._hole = 0

    @property
    def has_partial(self) -> bool:
        """Whether the live log ends in a line that its writer has not finished."""
        return bool(self._rest)

    def close(self) -> None:
        """Close what writers have open."""
        self._leave()
        for late in self.late:
            os.close(late.descriptor)

    def _leave(self) -> None:
        if self._out is not None:
            os.close(self._out)
        self._out, self._rest, self._is_torn, self._hole = None, b"", False, 0

    def _writer(self) -> int:
        if self._out is None:
            if not self.live.exists():
                self.stream += 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._out = os.open(self.live, flags, 0o644)
        if self._hole:
            os.truncate(self.live, self._hole)
            self._hole = 0
        return self._out

    def new_line(self, pad: int) -> bytes:
        """The next line, known from now on."""
        line = line_of(self.next_number, pad)
        self.next_number += 1
        return line

    def _know(self, line: bytes) -> bytes:
        self.events[line[:-1]] = self.stream
        return line

    def write(self, pads: list[int]) -> None:
        """Append whole lines."""
        out = self._writer()
        os.write(out, b"".join(self._know(self.new_line(pad)) for pad in pads))

    def write_partial(self, pad: int, share: float) -> None:
        """Append the beginning of a line."""
        out, line = self._writer(), self.new_line(pad)
        cut = min(max(1, int(share * len(line))), len(line) - 2)
        self.tails.add(line[:cut])
        self._know(line)
        os.write(out, line[:cut])
        self._rest = line[cut:]

    def complete(self) -> None:
        """Append the rest of the line; after a truncation it stands there alone."""
        out = self._writer()
        os.write(out, self._rest)
        if self._is_torn:
            self.garbage[self._rest[:-1]] += 1
        self._rest, self._is_torn = b"", False

    def write_garbage(self) -> None:
        """Append a line that is no event."""
        line = b"no event %d {" % self.next_number
        self.next_number += 1
        self.garbage[line] += 1
        os.write(self._writer(), line + b"\n")

    def rotate(self, *, lingers: bool) -> list[Path]:
        """Rename every file to its next number; the oldest goes. What it was is answered."""
        gone = self._shift()
        descriptor, rest = self._out, self._rest
        if descriptor is not None and (lingers or rest) and not self._is_torn:
            self.late.append(Late(descriptor=descriptor, rest=rest))
            self._out = None
        self._leave()
        self.live.rename(self.folder / f"{LIVE}.1")
        return gone

    def oldest(self) -> list[Path]:
        """The files that the next rotation deletes."""
        return sorted(self.folder.glob(f"{LIVE}.{KEPT}*"))

    def _shift(self) -> list[Path]:
        gone = self.oldest()
        for path in gone:
            path.unlink()
        for number in range(KEPT - 1, 0, -1):
            for path in sorted(self.folder.glob(f"{LIVE}.{number}*")):
                ending = path.name.removeprefix(f"{LIVE}.{number}")
                path.rename(self.folder / f"{LIVE}.{number + 1}{ending}")
        return gone

    def write_late(self, pad: int) -> None:
        """A writer that has not noticed the rotation appends to the renamed file, and reopens."""
        late = self.late.pop(0)
        data = late.rest
        if not data:
            data = self.new_line(pad)
            self.events[data[:-1]] = -1
        os.write(late.descriptor, data)
        os.close(late.descriptor)

    def copy(self) -> list[Path]:
        """The first half of a copytruncate."""
        gone = self._shift()
        (self.folder / f"{LIVE}.1").write_bytes(self.live.read_bytes())
        self.is_copying = True
        return gone

    def truncate(self, *, is_sparse: bool) -> None:
        """The second half; a writer without O_APPEND goes on at its old offset."""
        size = self.live.stat().st_size
        os.truncate(self.live, 0)
        self._is_torn = bool(self._rest)
        self._hole = size if is_sparse and self._out is not None else 0
        self.is_copying = False
        self.stream += 1

    def pack_begin(self, number: int, ending: str, share: float) -> None:
        """A compressor has written a part of the archive."""
        plain = self.folder / f"{LIVE}.{number}"
        data = plain.read_bytes()
        packed = PACKERS[ending](data)
        archive = self.folder / f"{LIVE}.{number}.{ending}"
        cut = min(max(HEADER_BYTES, int(share * len(packed))), len(packed) - 1)
        archive.write_bytes(packed[:cut])
        self.packing = Packing(plain=plain, archive=archive, data=data, packed=packed)

    def pack_finish(self) -> bool:
        """The archive is complete and the plain file goes; whether that held anything else."""
        packing, self.packing = self.packing, None
        assert packing is not None
        is_equal = packing.plain.exists() and packing.plain.read_bytes() == packing.data
        packing.archive.write_bytes(packing.packed)
        packing.plain.unlink(missing_ok=True)
        return not is_equal

    def delete(self, path: Path) -> None:
        """Somebody deletes a file; its writer notices and opens the next."""
        if path == self.live:
            self._leave()
            self.is_copying = False
        path.unlink()

    def put(self, data: bytes, *, is_rewritten: bool) -> None:
        """Other bytes under the live name: in the same file, or in another one."""
        self._leave()
        self.is_copying = False
        self.stream += 1
        if is_rewritten and self.live.exists():
            self.live.write_bytes(data)
            return
        made = self.folder / "in the making"
        made.write_bytes(data)
        made.replace(self.live)

    def other_content(self, size: int) -> bytes:
        """New lines that take up so many bytes, where that is enough for one."""
        self.stream += 1
        data = self._know(self.new_line(0))
        while len(data) + 2 * len(line_of(self.next_number)) < size:
            data += self._know(self.new_line(0))
        rest = size - len(data)
        if rest >= len(line_of(self.next_number)):
            data += self._know(self.new_line(rest - len(line_of(self.next_number))))
        return data

    def corrupt(self, archive: Path, share: float) -> None:
        """One byte of an archive changes."""
        data = bytearray(archive.read_bytes())
        place = min(max(HEADER_BYTES, int(share * len(data))), len(data) - 1)
        data[place] ^= 0x20
        archive.write_bytes(bytes(data))

    def rotated(self) -> list[Path]:
        """The rotated files, whatever their form."""
        return sorted(self.folder.glob(f"{LIVE}.*"))

    def archives(self) -> list[Path]:
        """The compressed files that are complete."""
        busy = self.packing.archive if self.packing else None
        return [path for path in self.rotated() if path.suffix[1:] in PACKERS and path != busy]

    def plain(self) -> list[int]:
        """The numbers of rotated files that could be compressed."""
        names = {path.name for path in self.rotated()}
        return [
            number
            for number in range(1, KEPT + 1)
            if f"{LIVE}.{number}" in names
            and not any(f"{LIVE}.{number}.{ending}" in names for ending in PACKERS)
        ]

    def sight(self) -> Sight:
        """What can be read at this moment; an incomplete archive cannot."""
        seen = Sight()
        for path in sorted(self.folder.glob(f"{LIVE}*")):
            data = path.read_bytes()
            unpack = UNPACKERS.get(path.suffix[1:])
            if unpack is not None:
                with suppress(Exception):
                    seen.contents[path.name] = unpack(data)
                continue
            seen.contents[path.name] = data
            seen.inodes[path.stat().st_ino] = path.name
        return seen


def whole_lines(data: bytes) -> list[bytes]:
    """The lines that end in a newline, without it and without NULs in front."""
    return [line.lstrip(b"\0") for line in data.split(b"\n")[:-1]]
