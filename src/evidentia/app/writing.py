"""New files: written beside their place, synced, and moved there when they are whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from evidentia.errors import EvidentiaError, UsageError


def write_new(path: Path, parts: Iterable[bytes], *, is_overwriting: bool = False) -> int:
    """Write a file that was not there before, and return how many bytes it has.

    On return it is on the disk. Whatever fails leaves nothing new behind, and what was there as it
    was.

    Raises:
        UsageError: The file is there, or its folder is not.
        EvidentiaError: The disk refuses.
    """
    if not is_overwriting and os.path.lexists(path):
        raise _taken(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            size = _written(beside, parts)
            _put(beside, path, is_overwriting=is_overwriting)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise _taken(path) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            "the folder of this file is not there", where=str(path), fix="make the folder first"
        ) from error
    except OSError as error:
        raise EvidentiaError(
            f"the file cannot be written: {error.strerror or error}", where=str(path)
        ) from error
    return size


def _written(beside: Path, parts: Iterable[bytes]) -> int:
    size = 0
    with beside.open("xb") as file:
        for part in parts:
            size += file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return size


def _put(beside: Path, path: Path, *, is_overwriting: bool) -> None:
    if is_overwriting:
        beside.replace(path)
        return
    # A link, for it refuses where a rename would replace what came there meanwhile.
    path.hardlink_to(beside)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> UsageError:
    return UsageError(
        "this file exists and is not overwritten", where=str(path), fix="name another one"
    )
