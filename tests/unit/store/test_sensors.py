"""The sensors of a store, found without reading every event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.unit.report.kit import cowrie_line, cowrie_place

from evidentia.packs.cowrie import PACK
from evidentia.store.scope import Scope
from evidentia.store.sensors import sensors_of


def test_a_summary_names_the_sensors_that_the_events_name(tmp_path: Path) -> None:
    """Now and as of an earlier batch; an event without a sensor, or an empty one, names none."""
    place = cowrie_place(tmp_path)
    place.write("a.json", cowrie_line("x", sensor="b") + cowrie_line("x", sensor=""))
    place.ingest("a.json", pack="cowrie")
    place.append("a.json", cowrie_line("x", sensor="a") + cowrie_line("x", sensor=None))
    place.ingest("a.json", pack="cowrie")

    with place.store.reader() as reader:
        for batch_id, wanted in ((1, ("b",)), (2, ("a", "b"))):
            within = Scope(as_of=reader.as_of(batch_id=batch_id))
            assert sensors_of(reader, PACK, within) == wanted
            assert reader.sensors("cowrie", within) == wanted


def test_without_such_a_summary_the_events_are_read(tmp_path: Path) -> None:
    """A pack need not keep any."""
    place = cowrie_place(tmp_path)
    place.write("a.json", cowrie_line("x", sensor="b"))
    place.ingest("a.json", pack="cowrie")

    with place.store.reader() as reader:
        assert sensors_of(reader, replace(PACK, summaries=()), Scope()) == ("b",)
