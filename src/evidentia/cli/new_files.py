"""Files that a command writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evidentia.errors import EvidentiaError, UsageError


@contextmanager
def new_file(path: Path, *, is_overwritten: bool = False) -> Iterator[BinaryIO]:
    """A file that was not there before, and is not there afterwards if writing it fails.

    One that may be overwritten is replaced at the end, and stays as it was if writing fails.
    """
    if is_overwritten and path.exists():
        beside = path.with_name(f"{path.name}.part")
        with new_file(beside) as file:
            yield file
        beside.replace(path)
        return
    try:
        with path.open("xb") as file:
            try:
                yield file
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise UsageError(
            "this file exists and is not overwritten",
            where=str(path),
            fix="name another one with --output",
        ) from error
    except OSError as error:
        raise EvidentiaError(
            f"the file cannot be written: {error.strerror}", where=str(path)
        ) from error
