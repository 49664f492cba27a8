"""A disk that forgets: what of a ledger's folder is left when the power is cut at any moment.

The functions of ``os`` themselves are watched, not the ledger's ``Disk``: whatever goes past it
(the hint, the folder for broken bytes) is seen as well. The operations go through to real files,
which stand for the page cache; what of them is on the disk is kept book of here:

- bytes of a file are on the disk once the file was synced; before, each write may be there, be
  missing, be there in part, or have made the file longer without its bytes (NULs);
- a name is on the disk once its folder was synced; before, it may be missing, and a rename may
  have happened or not, whatever came after it;
- one write inside a sector is there or not: sectors are what a disk writes at once.

Not simulated: a file system that shows other files' old bytes in a new block.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .oracle import Record

SECTOR_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that was asked of the disk.

    Attributes:
        kind: write, truncate, sync, create, rename, mkdir, folder (synced) or lost (a failed sync).
    """

    kind: str
    inode: int = 0
    path: str = ""
    place: int = 0
    data: bytes = b""
    target: str = ""


@dataclass(slots=True)
class Watched:
    """All operations on a folder, in order, and what was acknowledged before which.

    Attributes:
        failing_sync: The number of the file sync that fails, counted from 1; 0 is none.
    """

    folder: Path
    operations: list[Operation] = field(default_factory=list)
    marks: list[tuple[int, Callable[[Record], None]]] = field(default_factory=list)
    failing_sync: int = 0
    _syncs: int = 0
    _open: dict[int, tuple[int, str, int]] = field(default_factory=dict)
    _inodes: dict[str, int] = field(default_factory=dict)

    def mark(self, tell: Callable[[Record], None]) -> None:
        """Something was acknowledged: it must hold after each crash from here on."""
        self.marks.append((len(self.operations), tell))

    def record_at(self, count: int) -> Record:
        """What had been acknowledged before a crash after so many operations."""
        record = Record()
        for place, tell in self.marks:
            if place <= count:
                tell(record)
        return record

    def note(self, kind: str, **values: object) -> None:
        """Keep book of an operation."""
        self.operations.append(Operation(kind, **values))  # type: ignore[arg-type]

    def name(self, path: object) -> str | None:
        """A path in the folder, or None for one elsewhere."""
        if not isinstance(path, (str, Path)):
            return None
        text = os.path.normpath(path)
        root = str(self.folder)
        return os.path.relpath(text, root) if f"{text}/".startswith(f"{root}/") else None

    def adopt(self, name: str, data: bytes) -> None:
        """Take over a file that is there, on the disk, from before."""
        self._inodes[name] = len(self._inodes) + 1
        inode = self._inodes[name]
        self.note("create", inode=inode, path=name)
        self.note("write", inode=inode, data=data)
        self.note("sync", inode=inode)

    def opened(self, descriptor: int, name: str | None, flags: int, *, is_new: bool) -> None:
        """A descriptor was opened; a file may have been made or emptied by that."""
        self._open.pop(descriptor, None)
        if name is None:
            return
        if is_new:
            self._inodes[name] = max(self._inodes.values(), default=0) + 1
            self.note("create", inode=self._inodes[name], path=name)
        inode = self._inodes.get(name, 0)
        if flags & os.O_TRUNC and inode and not is_new:
            self.note("truncate", inode=inode, place=0)
        self._open[descriptor] = (inode, name, flags)

    def place(self, descriptor: int) -> int:
        """Where the next write to a descriptor goes."""
        if descriptor not in self._open:
            return 0
        is_at_end = self._open[descriptor][2] & os.O_APPEND
        return os.fstat(descriptor).st_size if is_at_end else os.lseek(descriptor, 0, os.SEEK_CUR)

    def wrote(self, descriptor: int, data: bytes, place: int) -> None:
        """Bytes were written."""
        inode, _, _ = self._open.get(descriptor, (0, "", 0))
        if inode:
            self.note("write", inode=inode, place=place, data=data)

    def synced(self, descriptor: int) -> None:
        """A file or folder was synced, or failed to be."""
        if descriptor not in self._open:
            return
        inode, name, _ = self._open[descriptor]
        if not inode:
            self.note("folder", path=name)
            return
        self._syncs += 1
        if self._syncs == self.failing_sync:
            self.note("lost", inode=inode)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.note("sync", inode=inode)

    def cut(self, descriptor: int, size: int) -> None:
        """A file was made shorter."""
        inode, _, _ = self._open.get(descriptor, (0, "", 0))
        if inode:
            self.note("truncate", inode=inode, place=size)

    def renamed(self, source: str | None, target: str | None) -> None:
        """A file has another name."""
        if source is None or target is None:
            return
        inode = self._inodes[target] = self._inodes.pop(source)
        self.note("rename", inode=inode, path=source, target=target)

    def forgot(self, descriptor: int) -> None:
        """The page cache was dropped: reads see the disk, also after a sync that failed."""
        inode, name, _ = self._open.get(descriptor, (0, "", 0))
        if any(each.kind == "lost" and each.inode == inode for each in self.operations):
            data = _bytes_of(self.operations, inode, lambda _: None)
            (self.folder / name).write_bytes(data)


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Keep book of everything that this process asks of a folder."""
    found = Watched(folder)
    for path in sorted(folder.rglob("*")) if folder.exists() else []:
        if path.is_file():
            found.adopt(str(path.relative_to(folder)), path.read_bytes())
        else:
            found.note("mkdir", path=str(path.relative_to(folder)))
    found.note("folder", path=".")
    if folder.exists():
        found.note("folder", path="broken")
    saved = {name: getattr(os, name) for name in _WATCHED}
    try:
        system = _System(found, saved)
        for name in _WATCHED:
            setattr(os, name, getattr(system, name))
        yield found
    finally:
        for name, function in saved.items():
            setattr(os, name, function)


_WATCHED: Final = (
    *("open", "write", "pwrite", "fsync", "fdatasync"),
    *("ftruncate", "rename", "mkdir", "posix_fadvise"),
)


class _System:
    """The functions of ``os`` that are watched: each does its work and is written down."""

    def __init__(self, book: Watched, real: dict[str, Callable[..., Any]]) -> None:
        self._book = book
        self._real = real

    def open(self, path: object, flags: int, mode: int = 0o777, **more: object) -> int:
        name = self._book.name(path)
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(str(path))
        descriptor = int(self._real["open"](path, flags, mode, **more))
        self._book.opened(descriptor, name, flags, is_new=is_new)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        before = self._book.place(descriptor)
        count = int(self._real["write"](descriptor, data))
        self._book.wrote(descriptor, bytes(data[:count]), before)
        return count

    def pwrite(self, descriptor: int, data: bytes, place: int) -> int:
        self._book.wrote(descriptor, bytes(data), place)
        return int(self._real["pwrite"](descriptor, data, place))

    def fsync(self, descriptor: int) -> None:
        # The real one is left out: the page cache is enough here, and the test is faster.
        self._book.synced(descriptor)

    fdatasync = fsync

    def ftruncate(self, descriptor: int, size: int) -> None:
        self._real["ftruncate"](descriptor, size)
        self._book.cut(descriptor, size)

    def rename(self, source: object, target: object, **more: object) -> None:
        self._real["rename"](source, target, **more)
        self._book.renamed(self._book.name(source), self._book.name(target))

    def mkdir(self, path: object, *arguments: object, **more: object) -> None:
        self._real["mkdir"](path, *arguments, **more)
        name = self._book.name(path)
        if name not in {None, "."}:
            self._book.note("mkdir", path=name)

    def posix_fadvise(self, descriptor: int, *_: int) -> None:
        self._book.forgot(descriptor)


def _bytes_of(
    operations: Sequence[Operation],
    inode: int,
    fate: Callable[[Operation], Iterator[tuple[int, bytes]] | None],
) -> bytes:
    """A file's bytes on the disk; ``fate`` says what became of what was not synced."""
    data = bytearray()
    pending: list[Operation] = []
    for each in operations:
        if each.inode != inode:
            continue
        if each.kind in {"write", "truncate"}:
            pending.append(each)
        elif each.kind == "lost":
            # What every system does: the pages count as written, and are not.
            pending = []
        elif each.kind == "sync":
            for one in pending:
                _apply(data, one, iter([(one.place, one.data)]))
            pending = []
    for one in pending:
        _apply(data, one, fate(one))
    return bytes(data)


def _apply(
    data: bytearray, operation: Operation, pieces: Iterator[tuple[int, bytes]] | None
) -> None:
    if pieces is None:
        return
    if operation.kind == "truncate":
        del data[operation.place :]
        data.extend(bytes(operation.place - len(data)))
        return
    for place, piece in pieces:
        data.extend(bytes(max(0, place + len(piece) - len(data))))
        data[place : place + len(piece)] = piece


def crashed(
    operations: Sequence[Operation], folder: Path, chance: random.Random | None, keep: float
) -> None:
    """Make a folder as the power cut after some operations may have left it.

    Args:
        operations: All that were asked for before the cut.
        folder: Where to make it; what is there goes.
        chance: What decides on each un-synced operation; None decides as ``keep`` does.
        keep: How likely an un-synced operation is there whole: 0 is never, 1 is always.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names, folders = _names(operations, chance, keep)
    for name in sorted(folders):
        (folder / name).mkdir()
    for name, inode in names.items():
        path = folder / name
        if path.parent == folder or str(path.parent.relative_to(folder)) in folders:
            path.write_bytes(_bytes_of(operations, inode, lambda one: _fate(one, chance, keep)))


def _names(
    operations: Sequence[Operation], chance: random.Random | None, keep: float
) -> tuple[dict[str, int], set[str]]:
    durable: list[Operation] = []
    pending: list[Operation] = []
    for each in operations:
        if each.kind in {"create", "rename", "mkdir"}:
            pending.append(each)
        elif each.kind == "folder":
            durable += [one for one in pending if _parent(one) == each.path]
            pending = [one for one in pending if _parent(one) != each.path]
    names: dict[str, int] = {}
    folders: set[str] = set()
    for one in durable + [each for each in pending if _is_kept(chance, keep)]:
        if one.kind == "mkdir":
            folders.add(one.path)
        elif one.kind == "create":
            names[one.path] = one.inode
        else:
            names.pop(one.path, None)
            names[one.target] = one.inode
    return names, folders


def _parent(operation: Operation) -> str:
    return os.path.dirname(operation.path) or "."  # noqa: PTH120 - a name in a book, not a path


def _is_kept(chance: random.Random | None, keep: float) -> bool:
    return keep >= 1 if chance is None else chance.random() < keep


def _fate(
    operation: Operation, chance: random.Random | None, keep: float
) -> Iterator[tuple[int, bytes]] | None:
    """The pieces of an un-synced write that are there, or None if nothing is."""
    place, data = operation.place, operation.data
    if _is_kept(chance, keep):
        return iter([(place, data)])
    # What begins a file and fits a sector is there or not.
    is_one = operation.kind == "truncate" or (place == 0 and _is_in_one_sector(operation))
    if chance is None or is_one:
        return None
    ways = (
        None,
        iter([(place, data[: chance.randrange(len(data) + 1)])]),
        iter([(place, bytes(len(data)))]),
        _sectors(operation, chance),
    )
    return chance.choice(ways)


def _is_in_one_sector(operation: Operation) -> bool:
    last = operation.place + len(operation.data) - 1
    return operation.place // SECTOR_BYTES == last // SECTOR_BYTES


def _sectors(operation: Operation, chance: random.Random) -> Iterator[tuple[int, bytes]]:
    """Some of the sectors that a write covers; the others are NULs, unless nothing is behind."""
    place, data = operation.place, operation.data
    while data:
        size = SECTOR_BYTES - place % SECTOR_BYTES
        if chance.random() < 0.5:
            yield place, data[:size]
        place, data = place + size, data[size:]
