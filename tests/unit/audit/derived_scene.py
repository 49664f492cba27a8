"""A ledger and the database that is derived from it, for tests of what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.unit.ledger import kit as ledgers
from tests.unit.store import derived_kit as databases

from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject, JsonValue
from evidentia.ledger.values import Acknowledgement
from evidentia.store.derived import DerivedStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A ledger's folder, and its database.

    Attributes:
        segment_bytes_max: So small that a few events fill a segment.
    """

    folder: Path
    store: DerivedStore
    segment_bytes_max: int = 1_500

    def append(self, *events: list[JsonObject]) -> tuple[Acknowledgement, ...]:
        """Append events, each of which lists its rows, as one batch."""
        with ledgers.opened(self.folder, segment_bytes_max=self.segment_bytes_max) as ledger:
            return ledger.append([_draft(each) for each in events], ledgers.ALLOW)


def _draft(rows: JsonValue) -> Draft:
    return Draft(event_type="demo.rows.v1", payload=rows)


def scene_in(folder: Path) -> Scene:
    """A ledger with nothing but its first event, and an empty database."""
    place = folder / "ledger"
    ledgers.created(place)
    return Scene(folder=place, store=databases.store_in(folder))
