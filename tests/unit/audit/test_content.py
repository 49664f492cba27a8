"""Equal stores have equal digests, however they were filled; different ones differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.ingest.kit import OTHER, PLAIN, Place, goods

from evidentia.audit import segments
from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits

from .conftest import CONTENT, LOG, OPTIONS
from .damage import REPAIRABLE, Damage

STATED = (
    "an edited raw",
    "an edited hash",
    "an edited actor",
    "an edited time",
    "an edited promoted column",
    "a filled column of another pack",
    "an edited line number",
    "edited flags",
    "an edited kind",
    "a deleted event",
    "an added event",
    "a dead letter's edited raw",
    "a dead letter without its raw",
    "a dead letter's edited length",
    "a long line's edited hash",
    "a deleted dead letter",
    "a deleted filler",
    "an edited filler",
    "a deleted schema finding",
    "an edited schema finding",
)


@pytest.mark.parametrize(
    "damage",
    [damage for damage in REPAIRABLE if damage.name in STATED],
    ids=lambda damage: damage.name,
)
def test_any_change_of_a_row_changes_the_digest(filled: Place, damage: Damage) -> None:
    """Every row that the log determines is in the digest."""
    before = filled.digest()

    filled.damage(*damage.statements)

    assert filled.digest() != before


def digest_of(
    place: Place, name: str, data: bytes, cuts: Sequence[int], options: IngestOptions
) -> str:
    """The digest after a log was read in steps that end at the given bytes."""
    there = replace(place, name=f"{name}.db", options=options)
    log = f"{name}.jsonl"
    there.write(log, b"")
    done = 0
    for cut in [*sorted(cuts), len(data)]:
        there.append(log, data[done:cut])
        done = cut
        there.ingest(log)
    return there.digest()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, len(CONTENT)), max_size=6),
    batch_events=st.integers(1, 40),
    block_bytes=st.integers(100, 9_000),
)
def test_steps_batches_and_blocks_do_not_show(
    tmp_path: Path, cuts: list[int], batch_events: int, block_bytes: int
) -> None:
    """Invariant 10: bulk and delta give one digest, whatever the steps were."""
    place = Place(folder=tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    options = IngestOptions(
        jobs=0,
        batch_events=batch_events,
        limits=Limits(line_bytes_max=1_000, block_bytes=block_bytes),
    )

    whole = digest_of(place, "whole", CONTENT, [], OPTIONS)
    steps = digest_of(place, "steps", CONTENT, cuts, options)

    assert steps == whole


@pytest.mark.parametrize("length", [1, 100, 5_000])
def test_how_much_is_read_at_once_does_not_show(
    filled: Place, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """Rows are asked for in ranges, so that long lines do not fill the memory."""
    whole = filled.digest()
    monkeypatch.setattr(segments, "_WINDOW_BYTES", length)

    assert filled.digest() == whole


def test_the_order_in_which_logs_were_met_does_not_show(place: Place) -> None:
    """Invariant 4: a rebuilt store may number its segments otherwise."""
    place.write("a.jsonl", goods(5))
    place.write("b.jsonl", goods(5, 5))
    grown = replace(place, name="grown.db")

    place.ingest("*.jsonl")
    grown.ingest("b.jsonl")
    grown.ingest("a.jsonl", "b.jsonl")

    assert grown.rows("SELECT path FROM segments") != place.rows("SELECT path FROM segments")
    assert grown.digest() == place.digest()


def test_packs_that_have_nothing_to_do_with_a_log_do_not_show(place: Place) -> None:
    """A pack installed later adds columns, and the digest stays."""
    place.write(LOG, goods(5))
    alone = replace(place, name="alone.db", packs={"plain": PLAIN})
    alone.ingest(LOG)
    before = alone.digest()

    more = replace(alone, packs={"plain": PLAIN, "other": OTHER})
    more.ingest(LOG)

    assert more.digest() == before
    assert more.rows("SELECT name FROM pragma_table_info('event_rows') WHERE name = 'shade'")


def test_equal_rows_of_different_packs_differ(place: Place) -> None:
    """Which pack read a log is part of what the store says."""
    place.write(LOG, b"{}\n")
    other = replace(place, name="other.db")

    place.ingest(LOG)
    other.ingest(LOG, pack="other")

    assert place.digest() != other.digest()


def test_a_store_without_logs_has_a_digest(place: Place) -> None:
    """Nothing is something that can be compared as well."""
    place.store.create()

    assert len(place.digest()) == 64
