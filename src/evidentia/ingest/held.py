"""Files kept open while they live, so that a name they lose does not cost their last lines.

A file that is renamed out of the list, or deleted, can be read through its descriptor as long as
that is open. At most ``HELD_MAX`` are held: those read last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from evidentia.errors import LogError
from evidentia.ingest.plan import Inode, inode_of
from evidentia.log.opening import open_log
from evidentia.log.values import Compression, LogFile

HELD_MAX: Final = 128
"""Descriptors kept open; a process may usually have 1,024."""


HANDOVER_SECONDS: Final = 5.0
"""How long such a file must not have grown when its writer has begun another one at its name."""
IDLE_SECONDS_MAX: Final = 60.0
"""A file that no name leads to and that has not grown for so long has no writer any more."""


class Held:
    """The open files of a run that looks again and again.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._files: dict[Inode, LogFile] = {}
        self._grown: dict[Inode, tuple[int, float]] = {}

    def add(self, file: LogFile) -> None:
        """Keep a plain file open, if it still is where it was found."""
        inode = inode_of(file)
        if file.compression is not Compression.NONE:
            return
        if inode in self._files:
            # Held longest goes first when there are too many.
            known = self._files.pop(inode)
            self._files[inode] = replace(file, held=known.held)
            return
        try:
            with open_log(file.path, identity=file.place.identity, held=file.held) as raw:
                self._files[inode] = replace(file, held=os.dup(raw.descriptor))
        except LogError:
            # It has moved on already; the next look finds it where it is now.
            return
        if len(self._files) > HELD_MAX:
            self._drop(next(iter(self._files)))

    def out_of_sight(self, seen: Collection[Inode]) -> tuple[LogFile, ...]:
        """The open files that no name of the list leads to any more, as they are now."""
        found = []
        for inode, file in self._files.items():
            if inode not in seen and file.held is not None:
                found.append(replace(file, size=os.fstat(file.held).st_size))
        return tuple(found)

    def idle_seconds(self, files: Sequence[LogFile]) -> dict[Inode, float]:
        """How long each of these has not grown, as far as it was looked at."""
        now = self._clock()
        found = {}
        for file in files:
            inode = inode_of(file)
            size, since = self._grown.get(inode, (-1, now))
            if size != file.size:
                size, since = file.size, now
            self._grown[inode] = (size, since)
            found[inode] = now - since
        return found

    def drop(self, file: LogFile) -> None:
        """Close a file that is not needed any more."""
        self._drop(inode_of(file))

    def _drop(self, inode: Inode) -> None:
        file = self._files.pop(inode, None)
        self._grown.pop(inode, None)
        if file is not None and file.held is not None:
            os.close(file.held)

    def close(self) -> None:
        """Close every file."""
        for inode in tuple(self._files):
            self._drop(inode)
