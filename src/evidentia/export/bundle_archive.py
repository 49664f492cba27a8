"""A folder as a ``.tar.gz`` file; the same folder at the same time gives the same bytes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import BinaryIO, Final

_MODE: Final = 0o644
_MICROSECONDS: Final = 1_000_000


def pack_folder(folder: Path, archive: BinaryIO, time_us: int) -> None:
    """Pack every file of a folder, under the folder's own name.

    Order, times, owners and modes do not depend on the machine.

    Raises:
        OSError: A file cannot be read, or the archive not be written.
    """
    with (
        # No name in the header, for it would be that of a scratch file.
        gzip.GzipFile(filename="", mode="wb", fileobj=archive, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        for name in names:
            path = folder / name
            if path.is_dir():
                continue
            entry = tarfile.TarInfo(f"{folder.name}/{name}")
            entry.size = path.stat().st_size
            entry.mtime = time_us // _MICROSECONDS
            entry.mode = _MODE
            with path.open("rb") as file:
                tar.addfile(entry, file)
