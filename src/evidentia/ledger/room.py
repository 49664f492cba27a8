"""Room on the disk: noticed to be used up before the first byte of a batch is written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evidentia.errors import LedgerFullError
from evidentia.ledger.tail import refused
from evidentia.ledger.values import LedgerOptions

_UNASKED_BYTES_MAX: Final = 1024 * 1024
"""Appended at most until it is asked again how much is free."""
_UNASKED_PART: Final = 16
"""And at most this part of what was free. Others fill the disk as well; should they be faster, the
write itself finds out."""


class Room:
    """How much may be appended before the disk must be asked again."""

    def __init__(self, options: LedgerOptions) -> None:
        self._options = options
        self._unasked_bytes = 0

    def require(self, descriptor: int, wanted_bytes: int, path: Path) -> None:
        """Pass if there is room for so many bytes, and for the reserve.

        Raises:
            LedgerFullError: There is not.
            LedgerBrokenError: The disk does not tell.
        """
        self._unasked_bytes -= wanted_bytes
        if self._unasked_bytes >= 0:
            return
        try:
            free = self._options.disk.free_bytes(descriptor)
        except OSError as error:
            raise refused(error, path) from error
        spare = free - wanted_bytes - self._options.reserve_bytes
        if spare < 0:
            raise LedgerFullError(
                f"there is no room for the ledger: {free} bytes are free,"
                f" {wanted_bytes + self._options.reserve_bytes} are wanted; nothing was appended",
                where=str(path),
                fix="free some space: appending goes on by itself then",
            )
        self._unasked_bytes = min(spare // _UNASKED_PART, _UNASKED_BYTES_MAX)
