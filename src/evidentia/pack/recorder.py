"""What a pack is handed to record with: its ledger and the tables made of it, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from evidentia.event.envelope import Draft
from evidentia.pack.tables import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of an event.

    Attributes:
        sequence: Its place in the ledger.
        is_repeat: The ledger held it already, with the same content.
        refusal: Why no row of the tables was made of it; None where rows were.
    """

    id: str
    sequence: int
    is_repeat: bool = False
    refusal: Refusal | None = None


class Recorder(Protocol):
    """Records events of a pack; threads may share one."""

    def record(self, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Append events to the ledger, all or none, and make the rows of each.

        On return they are on the disk, in both. An event whose rows a rule of the tables refuses is
        in the ledger all the same.

        Raises:
            RejectionError: An event may not stand in the ledger; nothing was written.
            LedgerError: The ledger fails.
            StoreError: The events are in the ledger, and the tables are yet to be filled.
        """
        ...

    def held(self) -> AbstractContextManager[Recorder]:
        """The same with everything held open, which is much faster. For one thread.

        Nobody else can record meanwhile: they wait, and give up after some time.
        """
        ...

    def settings(self) -> Mapping[str, object]:
        """What the configuration says of the pack."""
        ...

    def now_us(self) -> int:
        """The time, in UTC microseconds."""
        ...

    def elapsed_us(self) -> int:
        """Microseconds since some moment, by a clock that nobody sets."""
        ...

    def random_hex(self, count: int) -> str:
        """So many random bytes, as hex."""
        ...
