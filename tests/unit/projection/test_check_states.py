"""A state is replayed from its events: what differs is named, what cannot be is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonValue
from evidentia.pack.state import Order, State, StateColumn, StateEvent, StateValue

from .test_check import WORK, Bench


def _ladder(kept: JsonValue, event: StateEvent) -> JsonValue:
    steps = kept if isinstance(kept, list) else []
    return [*steps, event.line["level"]]


def _row(kept: JsonValue) -> Mapping[str, StateValue]:
    steps = kept if isinstance(kept, list) else []
    return {"steps": ",".join(map(str, steps)), "count": len(steps)}


LADDERS = State(
    name="ladders",
    version=1,
    title="The levels of each, in the order of time",
    key="who",
    columns=(
        StateColumn(name="steps", is_nullable=False),
        StateColumn(name="count", type=ColumnType.INTEGER, is_nullable=False),
    ),
    start=list,
    apply=_ladder,
    row=_row,
)
FIELDS = dataclasses.replace(
    WORK.fields,
    promoted=(
        *WORK.fields.promoted,
        dataclasses.replace(
            WORK.fields.promoted[0],
            name="who",
            type=ColumnType.TEXT,
            sources=("who",),
            is_indexed=True,
        ),
    ),
)
CLIMBING = dataclasses.replace(WORK, fields=FIELDS, summaries=(), states=(LADDERS,))


def person(number: int, level: int = 1) -> str:
    """A line about somebody, at a second that is its level."""
    return (
        f'{{"kind":"good","ts":"2026-01-01T00:00:0{level}Z","who":"p{number:03}","level":{level}}}'
    )


LINES = tuple(person(number, level) for level in (2, 1) for number in range(100))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A store with a hundred people of two events each, the second of which came late."""
    made = Bench(folder=tmp_path, pack=CLIMBING)
    made.write(*LINES, batch_events=77)
    return made


def test_what_nobody_touched_is_well(bench: Bench) -> None:
    """The replay gives the same rows, with all that they keep."""
    found = bench.check()

    assert found.is_well
    assert (found.rows, found.drift_count) == (100, 0)
    assert found.digest == found.fresh_digest


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ladders_v1 SET steps = '1' WHERE who = 'p042'",
        "UPDATE ladders_v1 SET _state = '[]' WHERE who = 'p042'",
        "UPDATE ladders_v1 SET _ts = NULL WHERE who = 'p042'",
        "UPDATE ladders_v1 SET _position = _position - 1 WHERE who = 'p042'",
    ],
)
def test_an_edited_row_is_named(bench: Bench, change: str) -> None:
    """Whether the edit is shown, or only what the row goes on from."""
    bench.change(change)

    (drift,) = bench.check().drifts

    assert drift.key == {"who": "p042"}
    assert drift.should_be == {"who": "p042", "steps": "1,2", "count": 2}


def test_deleted_and_added_rows_are_told_apart(bench: Bench) -> None:
    """One side of each is None."""
    bench.change(
        "DELETE FROM ladders_v1 WHERE who = 'p007'",
        "INSERT INTO ladders_v1 VALUES ('zz', '', 0, '[]', NULL, 1)",
    )

    found = bench.check()

    assert [(each.key["who"], each.was is None) for each in found.drifts] == [
        ("p007", True),
        ("zz", False),
    ]
    assert found.digest != found.fresh_digest


def test_a_sample_finds_edits_and_missing_rows(bench: Bench) -> None:
    """Of those keys that it meets."""
    bench.change(
        "UPDATE ladders_v1 SET count = 0 WHERE who < 'p050'",
        "DELETE FROM ladders_v1 WHERE who >= 'p050'",
    )

    found = bench.check(sample=20)

    assert {each.was is None for each in found.drifts} == {True, False}
    assert found.drift_count == found.rows
    assert found.digest is None


def test_what_cannot_be_replayed_is_said(bench: Bench) -> None:
    """A pack whose function fails by now: no digest is shown, and no row called wrong for it."""

    def fail(kept: JsonValue, event: StateEvent) -> JsonValue:
        if event.columns["who"] == "p010":
            raise KeyError("level")
        return _ladder(kept, event)

    broken = dataclasses.replace(CLIMBING, states=(dataclasses.replace(LADDERS, apply=fail),))

    found = Bench(folder=bench.folder, pack=broken).check()

    assert "it cannot be computed: apply of state ladders failed with KeyError" in found.problem
    assert (found.digest, found.drift_count, found.is_well) == (None, 0, False)


def test_a_state_that_is_behind_is_replayed_as_far_as_it_stands(bench: Bench) -> None:
    """What came in without its pack is none of its events yet, late as they may be."""
    without = Bench(folder=bench.folder, pack=dataclasses.replace(CLIMBING, states=()))
    without.write(person(42, level=0), person(7, level=3), person(200))

    found = bench.check()

    assert found.drift_count == 0
    assert "it stands at batch" in found.problem
    bench.write()
    assert bench.check().is_well


def test_a_rebuild_mends_what_drifted(bench: Bench) -> None:
    """The events decide."""
    before = bench.check()
    bench.change("DELETE FROM ladders_v1 WHERE who > 'p010'")

    bench.workspace.rebuild_projections(["ladders"])

    assert bench.check() == before


def test_rows_that_recover_puts_back_are_applied_again(bench: Bench) -> None:
    """A state that was made from damaged events follows those that are put back."""
    before = bench.check()
    bench.change("DROP TRIGGER event_rows_no_delete", "DELETE FROM event_rows WHERE line_no = 7")
    bench.workspace.rebuild_projections()
    lacking = bench.check()

    bench.workspace.recover()

    assert lacking.is_well
    assert lacking.digest != before.digest
    assert bench.check() == before


@pytest.mark.parametrize("order", list(Order))
def test_the_digest_does_not_depend_on_which_log_was_met_first(
    tmp_path: Path, order: Order
) -> None:
    """Where the times of a key differ, or one log has all of it."""
    pack = dataclasses.replace(CLIMBING, states=(dataclasses.replace(LADDERS, order=order),))
    digests = []
    for name, parts in (("a", (LINES[:100], LINES[100:])), ("b", (LINES[100:], LINES[:100]))):
        (tmp_path / name).mkdir()
        bench = Bench(folder=tmp_path / name, pack=pack)
        for part in parts:
            bench.write(*part)
        digests.append(bench.check().digest)

    assert (digests[0] == digests[1]) == (order is Order.TIME)
