"""The row of a session: equal to a replay, whatever batches its events came in."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import placed, repair, revert
from tests.unit.packs.test_repair_replay import histories

from evidentia.app import Config, Workspace
from evidentia.event.envelope import Place, content_of, seal
from evidentia.event.values import JsonObject, JsonValue
from evidentia.ingest.values import IngestOptions, Watch
from evidentia.log.values import LogSource
from evidentia.pack.state import StateEvent, StateValue, state_problems
from evidentia.packs.repair import PACK, RepairEvent, draft_of, replay_repair_events, session_state
from evidentia.packs.repair.fields import FIELDS
from evidentia.packs.repair.session_state import SESSIONS_MATERIALIZED
from evidentia.store.opening import Store

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


@given(histories(), st.sampled_from(("s", "é", "\U0001f4a5", '"')))
def test_what_is_kept_is_never_more_than_is_counted(events: list[RepairEvent], mark: str) -> None:
    """The limit is seen before the store sees it, which would halt the rows of all sessions."""
    value: JsonValue = STATE.start()
    begun = len(json.dumps(value))

    for event in placed(events):
        marked = replace(event, event_id=event.event_id + mark * 40, event_digest="")
        value = STATE.apply(value, stored(marked, {**marked.to_dict()}))

    counted = value["kept_bytes"]  # type: ignore[index, call-overload]
    assert len(json.dumps(value)) <= begun + 200 + counted


def test_a_session_that_is_too_large_stops_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in its row, and goes no further; a replay has no such limit."""
    monkeypatch.setattr(session_state, "KEPT_BYTES_MAX", 2_000)
    events = placed([repair(f"e{n}", f"m{n}", "p") for n in range(20)])

    row = row_of([stored(each) for each in events])

    assert (row["is_stale"], row["drift_detected"]) == (1, 0)
    assert 0 < int(row["active_repairs"] or 0) < 20
    assert "not kept as a row" in str(row["stop_detail"])
    assert replay_repair_events(events).active_events == 20


def test_a_session_of_many_events_folds_in_seconds() -> None:
    """20,000 events of one session, each taking the same few steps."""
    events = [repair(f"e{n}", f"m{n % 5000}", f"p{n}", None) for n in range(20_000)]
    lines = [stored(each, {**each.to_dict()}) for each in placed(events)]
    began = process_time()

    row = row_of(lines)

    assert process_time() - began < 10
    assert (row["active_repairs"], row["messages_repaired"]) == (20_000, 5_000)


@dataclass(frozen=True, kw_only=True)
class Talks:
    """A store over a log of repair events that grows."""

    folder: Path

    @property
    def workspace(self) -> Workspace:
        """With the repair pack alone."""
        return Workspace(
            config=Config(store=Store(path=self.folder / "s.db")), packs={"repair": PACK}
        )

    def tell(self, *events: RepairEvent, batch_events: int = 50_000) -> None:
        """Append the lines of events and read them."""
        log = self.folder / "repairs.jsonl"
        with log.open("a") as file:
            file.writelines(json.dumps(line_of(event)) + "\n" for event in events)
        self.workspace.ingest(
            (LogSource(pattern=str(log), pack="repair"),),
            Watch(clock=lambda: 0.0),
            IngestOptions(batch_events=batch_events, jobs=1),
        )

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the store."""
        with closing(sqlite3.connect(self.folder / "s.db")) as connection:
            return connection.execute(sql).fetchall()


@pytest.mark.parametrize("batch_events", [1, 2, 50_000])
def test_a_store_keeps_the_rows_current(tmp_path: Path, batch_events: int) -> None:
    """RR-08, RR-09, RR-11: rows equal a replay after every batch, and the check finds them well."""
    talks = Talks(folder=tmp_path)
    first = [repair("a", "m", "p1", "o"), repair("x", "m", "y", session_id="t")]
    second = [repair("b", "m", "p2", "p1"), revert("r", "b", "m")]
    talks.tell(*first, batch_events=batch_events)
    talks.tell(*second, batch_events=batch_events)

    rows = talks.ask(
        "SELECT session_id, message_parents, active_repairs, reverted_repairs,"
        " materialization_digest FROM sessions_materialized ORDER BY session_id"
    )

    expected = replay_repair_events([first[0], *second])
    assert rows[0] == ("s", '{"m":"p1"}', 1, 1, expected.session_digest)
    assert rows[1][:3] == ("t", '{"m":"y"}', 1)
    (found,) = talks.workspace.check_projections(["sessions_materialized"])
    assert found.is_well


def test_a_broken_event_holds_up_its_own_session_only(tmp_path: Path) -> None:
    """RR-12: the query names the session that cannot go on, and why; the others go on."""
    talks = Talks(folder=tmp_path)
    broken = replace(repair("b", "m", "q"), event_digest="0" * 64)
    talks.tell(repair("a", "m", "p"), broken, repair("x", "m", "y", session_id="t"))
    query = next(each for each in PACK.queries if each.name == "repair_sessions")

    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        rows = connection.execute(query.sql, {"only_stale": 0, "limit": 9}).fetchall()
        stale = connection.execute(query.sql, {"only_stale": 1, "limit": 9}).fetchall()

    names = [column.name for column in query.columns]
    assert [dict(zip(names, row, strict=True))["session_id"] for row in rows] == ["s", "t"]
    assert stale == rows[:1]
    assert dict(zip(names, stale[0], strict=True))["stop_detail"] == (
        "b: its digest does not match"
    )


def test_an_edited_row_is_found(tmp_path: Path) -> None:
    """RR-09: drift is decided by comparing rows with a replay, and the session is named."""
    talks = Talks(folder=tmp_path)
    talks.tell(repair("a", "m", "p"))
    (table,) = talks.ask(
        "SELECT name FROM sqlite_master WHERE name LIKE 'sessions_materialized_v%'"
    )
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection, connection:
        connection.execute(f"UPDATE {table[0]} SET message_parents = '{{}}'")  # noqa: S608 - a name

    (found,) = talks.workspace.check_projections(["sessions_materialized"])

    assert not found.is_well
