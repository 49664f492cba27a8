"""From one entry of the allow-list to the names it stands for. Nothing is opened here.

Patterns are those of a shell: ``*``, ``?`` and ``[..]`` within one folder, ``**`` for any number
of folders, hidden names only where the pattern writes the dot. Unlike the standard library's glob,
a folder that may not be read is reported, a tree of any depth is walked, and ``**`` does not
follow links to folders: two links that point at each other would never end.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from evidentia.errors import LogError, LogMissingError
from evidentia.log.names import printable
from evidentia.log.opening import translated

_ANY_FOLDERS: Final = "**"
_Matcher: TypeAlias = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What a pattern stands for at this moment.

    Attributes:
        names: As the pattern spells them, sorted; they exist, or did a moment ago.
        problems: Folders that could not be listed, or that nothing is there.
    """

    names: tuple[str, ...] = ()
    problems: tuple[LogError, ...] = ()


def expand(pattern: str) -> Expansion:
    """The names a pattern stands for; a name that exists literally is never a pattern."""
    if not pattern or "\0" in pattern:
        return Expansion(problems=(_missing("this is no file's name", pattern),))
    # os.path, not pathlib: names keep the spelling of the allow-list, "./" and ".." included.
    path = os.path.expanduser(pattern)  # noqa: PTH111  (see above)
    try:
        os.lstat(path)
    except OSError as error:
        if not _has_wildcard(path):
            return Expansion(problems=(translated(error, path),))
        return _expand_wildcards(path)
    return Expansion(names=(path,))


def _expand_wildcards(path: str) -> Expansion:
    walk = _Walk()
    parts = [part for part in path.split("/") if part]
    walk.run("/" if path.startswith("/") else "", _without_repeats(parts))
    problems = walk.problems
    if not walk.names and not problems:
        problems = [_missing("no file matches the pattern", path)]
    return Expansion(names=tuple(sorted(walk.names)), problems=tuple(problems))


def _missing(what: str, pattern: str) -> LogMissingError:
    return LogMissingError(
        what, where=printable(pattern), fix="correct the entry in the list of logs"
    )


def _has_wildcard(text: str) -> bool:
    return any(character in text for character in "*?[")


def _without_repeats(parts: list[str]) -> tuple[str, ...]:
    """``**/**`` means ``**``; walking it as written would visit every folder again and again."""
    return tuple(
        part
        for place, part in enumerate(parts)
        if part != _ANY_FOLDERS or place == 0 or parts[place - 1] != _ANY_FOLDERS
    )


@dataclass(slots=True)
class _Walk:
    """Folders still to be looked into, on a stack of our own: trees may be deep."""

    names: set[str] = field(default_factory=set)
    problems: list[LogError] = field(default_factory=list)
    _todo: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _is_recursive: bool = False

    def run(self, base: str, parts: tuple[str, ...]) -> None:
        self._is_recursive = _ANY_FOLDERS in parts
        self._todo.append((base, parts))
        while self._todo:
            folder, (part, *rest) = self._todo.pop()
            self._step(folder, part, tuple(rest))

    def _step(self, folder: str, part: str, rest: tuple[str, ...]) -> None:
        if part == _ANY_FOLDERS:
            self._any_folders(folder, rest)
        elif _has_wildcard(part):
            self._wildcard(folder, _matcher(part), rest)
        else:
            self._literal(_joined(folder, part), rest)

    def _literal(self, name: str, rest: tuple[str, ...]) -> None:
        if rest:
            self._todo.append((name, rest))
        elif os.path.lexists(name):
            self.names.add(name)

    def _wildcard(self, folder: str, is_match: _Matcher, rest: tuple[str, ...]) -> None:
        for entry in self._entries(folder):
            if not is_match(entry.name):
                continue
            name = _joined(folder, entry.name)
            if rest:
                if _is_folder(entry):
                    self._todo.append((name, rest))
            # In "logs/**/*" folders are the way, not the goal; in "logs/*" one is worth a word.
            elif not (self._is_recursive and _is_folder(entry)):
                self.names.add(name)

    def _any_folders(self, folder: str, rest: tuple[str, ...]) -> None:
        self._todo.append((folder, rest or ("*",)))
        for entry in self._entries(folder):
            if not entry.name.startswith(".") and _is_folder(entry) and not entry.is_symlink():
                self._todo.append((_joined(folder, entry.name), (_ANY_FOLDERS, *rest)))

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder or ".") as entries:
                yield from entries
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.problems.append(translated(error, folder))


def _matcher(part: str) -> _Matcher:
    is_match = re.compile(fnmatch.translate(part)).match
    if part.startswith("."):
        return is_match
    return lambda name: not name.startswith(".") and is_match(name)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and folder != "/" else folder + name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A looping link: it is reported when someone tries to open it.
        return False
