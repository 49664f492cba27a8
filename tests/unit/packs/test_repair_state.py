"""The row of a session: equal to a replay, whatever batches its events came in."""

from __future__ import annotations

import json
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import placed, repair, revert
from tests.unit.packs.test_repair_replay import histories

from evidentia.event.envelope import Place, content_of, seal
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.state import StateEvent, StateValue, state_problems
from evidentia.packs.repair import RepairEvent, draft_of, replay_repair_events
from evidentia.packs.repair.fields import FIELDS
from evidentia.packs.repair.session_state import SESSIONS_MATERIALIZED

STATE = SESSIONS_MATERIALIZED


def line_of(event: RepairEvent) -> JsonObject:
    """The line of a ledger that holds an event."""
    place = Place(sequence=0, recorded_at="2026-01-02T00:00:00Z", prev_event_hash=None)
    line: JsonObject = json.loads(seal(content_of(draft_of(event)), event.event_id, place)[1])
    return line


def stored(event: RepairEvent, line: JsonObject | None = None) -> StateEvent:
    """The event as a store hands it to a reducer."""
    return StateEvent(
        position=event.position or 0,
        kind="repair.event.v1",
        event_id=event.event_id,
        ts=None,
        actor=event.operator,
        session_id=event.session_id,
        columns={},
        line=line_of(event) if line is None else line,
    )


def row_of(events: list[StateEvent], cuts: frozenset[int] = frozenset()) -> dict[str, StateValue]:
    """The row after all events; at a cut the accumulator is written and read as JSON."""
    value: JsonValue = STATE.start()
    for number, event in enumerate(events):
        if number in cuts:
            value = json.loads(json.dumps(value, sort_keys=True))
        value = STATE.apply(value, event)
    json.dumps(value, allow_nan=False)
    return dict(STATE.row(value))


def test_the_declaration_makes_sense() -> None:
    """Its key is looked up by, and each column that a row gives is declared."""
    assert list(state_problems(STATE, FIELDS)) == []
    row = row_of([stored(repair("a", "m", "p"))])
    assert {*row} == {each.name for each in STATE.columns}


@given(histories(), st.frozensets(st.integers(0, 14)))
def test_a_row_is_what_a_replay_says_for_any_batches(
    events: list[RepairEvent], cuts: frozenset[int]
) -> None:
    """RR-08, RR-03: incremental and full are equal, column by column, and equal to the replay."""
    ordered = placed(events)
    given_events = [stored(each) for each in ordered]

    row = row_of(given_events, cuts)

    result = replay_repair_events(ordered)
    assert row == row_of(given_events)
    assert json.loads(str(row["message_parents"])) == result.message_parents
    assert row["total_repairs"] == result.active_events + result.reverted_events
    assert (row["active_repairs"], row["reverted_repairs"], row["refused_count"]) == (
        result.active_events,
        result.reverted_events,
        result.refused_events,
    )
    assert row["materialization_digest"] == result.session_digest
    assert row["event_count_at_materialization"] == len(events)
    assert (row["is_stale"], row["drift_detected"]) == (0, 0)


def test_the_row_says_which_position_it_reflects() -> None:
    """RR-11: the last event, its time and its place."""
    events = placed([repair("a", "m", "p"), revert("r", "a", "m")])

    row = row_of([stored(each) for each in events])

    assert (row["last_event_id"], row["last_position"]) == ("r", 10)
    assert row["last_event_timestamp"] == "2026-01-01T12:00:00Z"
    assert row["message_parents"] == '{"m":null}'


def test_a_bad_digest_stops_its_session_and_shows() -> None:
    """RR-12: the row stays as of the event before, stale, with the reason; later ones wait."""
    events = placed([repair("a", "m", "p"), repair("b", "m", "q"), repair("c", "m", "r")])
    line = line_of(replace(events[1], event_digest="0" * 64))

    row = row_of([stored(events[0]), stored(events[1], line), stored(events[2])])

    assert row["message_parents"] == '{"m":"p"}'
    assert (row["is_stale"], row["drift_detected"], row["pending_count"]) == (1, 1, 2)
    assert (row["stopped_at"], row["event_count_at_materialization"]) == (10, 1)
    assert "b: its digest does not match" in str(row["stop_detail"])


@pytest.mark.parametrize(
    "line",
    [
        {"event_type": "repair.event.v1", "payload": []},
        {**line_of(repair("b", "m", "q")), "session_id": None, "payload": {}},
        line_of(repair("b", "m", "q", session_id="t")),
    ],
)
def test_an_event_that_cannot_be_read_stops_its_session_too(line: JsonObject) -> None:
    """It halts nothing else: no function raises."""
    row = row_of([stored(repair("a", "m", "p")), stored(repair("b", "m", "q"), line)])

    assert (row["is_stale"], row["drift_detected"]) == (1, 0)
    assert row["message_parents"] == '{"m":"p"}'


def test_a_session_of_many_events_folds_in_seconds() -> None:
    """20,000 events of one session, each taking the same few steps."""
    events = [repair(f"e{n}", f"m{n % 5000}", f"p{n}", None) for n in range(20_000)]
    lines = [stored(each, {**each.to_dict()}) for each in placed(events)]
    began = process_time()

    row = row_of(lines)

    assert process_time() - began < 10
    assert (row["active_repairs"], row["messages_repaired"]) == (20_000, 5_000)
