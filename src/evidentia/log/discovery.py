"""From the allow-list to the files that are there: one ``LogFile`` per file, however it is named.

The allow-list is the security border: what no source names is never opened. A path that cannot be
used becomes a problem of its own and stops nothing else.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from evidentia.errors import LogError, LogMissingError
from evidentia.log.acknowledged import acknowledged_bytes
from evidentia.log.compression import MAGIC_BYTES, tell_compression
from evidentia.log.globbing import expand
from evidentia.log.names import order_key, printable
from evidentia.log.opening import open_log, require_regular, translated
from evidentia.log.values import LogFile, LogSource

_Identity: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What the allow-list stands for at this moment.

    Attributes:
        files: One per (device, inode), in the order of ``names.order_key``: numbers as numbers,
            rotated files before the live file of the same stem.
        problems: One per path that cannot be used, in the order of the allow-list.
        sources: The allow-list itself.
    """

    files: tuple[LogFile, ...]
    problems: tuple[LogError, ...]
    sources: tuple[LogSource, ...] = ()


def discover(sources: Sequence[LogSource]) -> Discovery:
    """Every file the sources name, and every reason why a named one cannot be read.

    Relative, absolute, symlinked, hard-linked and doubly globbed names give one file that carries
    all of them (IN-11); the first source that reaches it decides its pack. Problems are returned,
    not raised.
    """
    search = _Search()
    for source in sources:
        search.follow(source)
    files = [
        dataclasses.replace(file, names=tuple(search.names[identity]))
        for identity, file in search.files.items()
    ]
    return Discovery(
        files=tuple(sorted(files, key=lambda file: order_key(file.path))),
        problems=tuple(search.problems.values()),
        sources=tuple(sources),
    )


def look_at(path: Path, source: LogSource) -> LogFile | None:
    """The regular file that a known log has now at a path its source once led to, if any.

    Raises:
        LogUnreadableError: Something is there, but cannot be read.
    """
    name = str(path)
    try:
        file = _examined(name, source, _status(name))
    except LogMissingError:
        return None
    return dataclasses.replace(file, names=(name,))


class _Search:
    def __init__(self) -> None:
        self.files: dict[_Identity, LogFile] = {}
        self.names: dict[_Identity, dict[str, None]] = {}
        self.problems: dict[str, LogError] = {}

    def follow(self, source: LogSource) -> None:
        expansion = expand(source.pattern)
        for problem in expansion.problems:
            self._report(problem)
        for name in expansion.names:
            try:
                self._add(name, source)
            except LogError as problem:
                self._report(problem)

    def _report(self, problem: LogError) -> None:
        self.problems.setdefault(str(problem), problem)

    def _add(self, name: str, source: LogSource) -> None:
        found = _status(name)
        identity = (found.st_dev, found.st_ino)
        if identity not in self.files:
            self.files[identity] = _examined(name, source, found)
        self.names.setdefault(identity, {})[name] = None


def _status(name: str) -> os.stat_result:
    """The status of the regular file behind the name."""
    try:
        # os, not pathlib: a Path would rewrite the spelling, and ten thousand names take a second.
        found = os.stat(name)  # noqa: PTH116  (see above)
    except FileNotFoundError as error:
        if os.path.islink(name):  # noqa: PTH114  (see above)
            raise LogMissingError(
                "the symbolic link points to nothing",
                where=printable(name),
                fix="let the link point to a file, or name the file itself",
            ) from error
        raise translated(error, name) from error
    except OSError as error:
        raise translated(error, name) from error
    require_regular(found, name)
    return found


def _examined(name: str, source: LogSource, found: os.stat_result) -> LogFile:
    """The file behind the name, with its compression told by its first bytes."""
    try:
        path = Path(os.path.realpath(name, strict=True))
    except OSError as error:
        raise translated(error, name) from error
    with open_log(path, identity=(found.st_dev, found.st_ino, None)) as raw:
        first_bytes = raw.read(MAGIC_BYTES)
        generation = raw.generation()
        # Its inode may have been dealt anew since it was asked for by name.
        found = os.fstat(raw.descriptor)
    return LogFile(
        path=path,
        names=(),
        source=source,
        compression=tell_compression(first_bytes),
        device=found.st_dev,
        inode=found.st_ino,
        size=found.st_size,
        mtime_us=found.st_mtime_ns // 1000,
        generation=generation,
        acknowledged=acknowledged_bytes(path),
    )
