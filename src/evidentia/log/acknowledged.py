"""How far the writer of a ledger says that its bytes are on the disk.

Bytes that a ledger's writer has not acknowledged may be cut off again after a crash, and a store
that had read them would hold what the ledger does not. So a segment that lies beside the note
``acknowledged`` of a ledger's writer is read up to there. The note may lag behind the disk after a
power cut, until the ledger is opened again; it is never ahead of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

NOTE_NAME: Final = "acknowledged"
_NOTE: Final = re.compile(rb"\A([0-9]{20}) ([0-9]{20})\n")
_SEGMENT: Final = re.compile(r"\A[0-9]{20}\.jsonl\Z")


def format_note(first_sequence: int, byte_end: int) -> bytes:
    """The note: the segment that begins with an event, and the byte of it that was reached."""
    return b"%020d %020d\n" % (first_sequence, byte_end)


def read_note(folder: Path) -> tuple[int, int] | None:
    """What the note in a ledger's folder says; None where there is none, or it was torn."""
    try:
        match = _NOTE.match((folder / NOTE_NAME).read_bytes())
    except OSError:
        return None
    return None if match is None else (int(match[1]), int(match[2]))


def acknowledged_bytes(path: Path) -> int | None:
    """Up to which byte a file may be read; None where nothing says that there is a limit."""
    if _SEGMENT.match(path.name) is None:
        return None
    note = read_note(path.parent)
    if note is None or int(path.stem) < note[0]:
        return None
    return note[1] if int(path.stem) == note[0] else 0
