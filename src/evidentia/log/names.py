"""Names of files: shown to people, and put in the order in which their logs are read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from evidentia.log.values import Compression, LogPlace

NaturalKey: TypeAlias = tuple[str | int, ...]
OrderKey: TypeAlias = tuple[tuple[NaturalKey, ...], NaturalKey, bool, NaturalKey, str]

_DIGITS: Final = re.compile("([0-9]+)")
_ROTATED: Final = re.compile(
    r"(?P<stem>.+?)"
    r"(?P<rotation>(?:[.-](?:[0-9][0-9T:_.+-]*Z?|old|bak))?(?:\.(?:gz|bz2|xz|zst))?)",
    re.DOTALL,
)
_FIRST_ESCAPED_BYTE: Final = 0xDC80
_LAST_ESCAPED_BYTE: Final = 0xDCFF


def printable(path: str | os.PathLike[str]) -> str:
    r"""The path as it may be shown to people: on one line, without terminal escapes.

    Invalid UTF-8 appears as ``\xff``, a newline as ``\n``, a backslash doubled.
    """
    return "".join(map(_printable_character, os.fspath(path)))


def _printable_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    # A byte that is not UTF-8 reaches Python as a lone surrogate; people know the byte.
    if _FIRST_ESCAPED_BYTE <= ord(character) <= _LAST_ESCAPED_BYTE:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def order_key(path: Path) -> OrderKey:
    """The key that sorts logs for reading: oldest first, as far as names can tell.

    Numbers compare as numbers, so ``cowrie.json.2`` stands before ``cowrie.json.10`` and dates
    stand in their order. A rotated file (``cowrie.json.1``, ``cowrie.json.2018-05-06``,
    ``cowrie.json-20180506``, ``cowrie.json.old``, each also compressed) stands before the live
    ``cowrie.json`` of the same stem. Names are only a start: what was read is known by content.
    """
    parts = _ROTATED.fullmatch(path.name)
    stem, rotation = parts.group("stem", "rotation") if parts else (path.name, "")
    folders = tuple(_natural(folder) for folder in path.parent.parts)
    return (folders, _natural(stem), not rotation, _natural(rotation), str(path))


def is_rotation_of(path: Path, live: Path) -> bool:
    """Whether a name is, as names go, that of a rotated or compressed file of a live log."""
    if path.parent != live.parent or path == live:
        return False
    parts = _ROTATED.fullmatch(path.name)
    return parts is not None and live.name in (parts["stem"], path.name)


def _natural(text: str) -> NaturalKey:
    """Text and numbers in turn, so that equal places always hold the same type."""
    pieces = _DIGITS.split(text)
    return tuple(int(piece) if place % 2 else piece for place, piece in enumerate(pieces))


def stored_path(path: Path) -> str:
    """An absolute path as text that any database can hold.

    Plain where it is UTF-8, and a ``file://`` address (RFC 8089) with its bytes percent-encoded
    where it is not; an absolute path never looks like one.
    """
    text = str(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return path.as_uri()
    return text


def place_of(stored: str, compression: Compression) -> LogPlace:
    """What now stands at a path that ``stored_path`` gave, whichever file it is."""
    return LogPlace(path=path_of(stored), compression=compression)


def path_of(stored: str) -> Path:
    """The path that ``stored_path`` was given."""
    if stored.startswith("file://"):
        return Path(os.fsdecode(unquote_to_bytes(stored.removeprefix("file://"))))
    return Path(stored)
