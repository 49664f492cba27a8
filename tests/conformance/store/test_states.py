"""States hold what their events give in order; what cannot be reduced stops them alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from evidentia.errors import PackError
from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonValue
from evidentia.pack.contract import Pack
from evidentia.pack.state import KEPT_BYTES_MAX, Order, State, StateColumn, StateEvent, StateValue
from evidentia.store import spans, states
from evidentia.store.dead_letters import Retry
from evidentia.store.projections import StoredProjection
from evidentia.store.states import StateTable

from .interleaving import NOON, cut_off, placed
from .reducing import REDUCING, SEATS, STORIES, shown_states, states_by_model, stored_states
from .scene import PACK, Scene, dead_letter, lines, query
from .summing import Happening, commit, event_of, rows_by_model, shown_rows

TOO_LONG_MS = 60_000
DAY = (
    Happening(ts=NOON, role="admin", actor="b"),
    Happening(ts=NOON + 1, kind="logout", role="admin", actor="a"),
    Happening(ts=NOON + 2, session="t", role="guest"),
    Happening(ts=NOON + 3, kind="look", role="guest"),
)
LATE = Happening(ts=NOON - 1, kind="logout", role="admin", actor="late")


def found_in(scene: Scene) -> dict[str, list[tuple[Any, ...]]]:
    """What the states hold."""
    with scene.store.reader() as reader:
        return shown_states(reader)


def standing(scene: Scene) -> dict[str, StoredProjection]:
    """How each projection stands."""
    with scene.store.reader() as reader:
        return {each.name: each for each in reader.projections()}


def with_states(*changed: State) -> Pack:
    """The pack with these states instead of its own."""
    return dataclasses.replace(REDUCING, states=changed)


def refuse_logout(kept: JsonValue, event: StateEvent) -> JsonValue:
    """A reducer with a defect."""
    if event.kind == "logout":
        raise ValueError("nobody leaves")
    return STORIES.apply(kept, event)


BROKEN = with_states(dataclasses.replace(STORIES, apply=refuse_logout), SEATS)


def noting(applied: list[int]) -> Pack:
    """The pack with stories that note each event which is applied to them."""

    def noted(kept: JsonValue, event: StateEvent) -> JsonValue:
        applied.append(event.position)
        return STORIES.apply(kept, event)

    return with_states(dataclasses.replace(STORIES, apply=noted))


def test_a_state_holds_what_its_events_give_in_order(scene: Scene) -> None:
    """By time and by position, over batches."""
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, DAY[:2]), DAY[2:])

    assert found_in(scene) == states_by_model(placed(segment, 1, DAY))


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_a_late_event_takes_its_place(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Its key is reduced anew, in the order of time, also where it spans pages; others stay."""
    monkeypatch.setattr(states, "_PAGE_EVENTS", page)
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, DAY)
        commit(writer, segment, line, [LATE, LATE, dataclasses.replace(LATE, ts=NOON + 9)])

    happened = [*DAY, LATE, LATE, dataclasses.replace(LATE, ts=NOON + 9)]
    assert found_in(scene) == states_by_model(placed(segment, 1, happened))


def test_an_event_without_a_time_stays_last(scene: Scene) -> None:
    """Whatever comes after it."""
    timeless = dataclasses.replace(LATE, ts=None)
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, [timeless]), DAY)

    rows = found_in(scene)["stories"]

    assert rows == states_by_model(placed(segment, 1, [timeless, *DAY]))["stories"]
    assert rows[0][1].endswith("logout1admin;")


def test_only_late_keys_are_read_again(scene: Scene) -> None:
    """What was applied once is not applied again where events come in their order."""
    applied: list[int] = []
    with scene.writer(noting(applied)) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, commit(writer, segment, 1, DAY[:3]), DAY[3:])
        in_order = list(applied)
        commit(writer, segment, line, [LATE])

    every = [position for position, _ in placed(segment, 1, [*DAY, LATE])]
    assert in_order == every[:4]
    assert sorted(applied[4:]) == [every[0], every[1], every[3], every[4]]


def test_a_late_key_that_spans_pages_is_read_again_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first of its pages made of it holds the events of the others, too."""
    monkeypatch.setattr(states, "_PAGE_EVENTS", 1)
    applied: list[int] = []
    with scene.writer(noting(applied)) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, DAY)
        applied.clear()
        commit(writer, segment, line, [LATE] * 3)

    assert len(applied) == 3 + 3


@pytest.mark.parametrize("way", ["delta", "bulk", "bulk in parts", "rebuilt"])
def test_every_way_gives_the_same_rows(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The rows as they are stored, with what they keep for the next event."""
    if way == "bulk in parts":
        monkeypatch.setattr(states, "_FILLED_EVENTS", 1)
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        if way.startswith("bulk"):
            with writer.bulk():
                commit(writer, segment, commit(writer, segment, 1, DAY), [LATE])
        else:
            commit(writer, segment, commit(writer, segment, 1, DAY), [LATE])
        if way == "rebuilt":
            writer.rebuild_projection("stories")

    with scene.store.reader() as reader:
        rows = stored_states(reader, STORIES)
    assert [row[:4] for row in rows] == states_by_model(placed(segment, 1, [*DAY, LATE]))["stories"]
    kept = (
        f'{{"by":{{"":{NOON + 3},"a":{NOON + 1},"b":{NOON},"late":{NOON - 1}}},"count":4,'
        '"trail":"logout5admin;login1admin;logout2admin;look4guest;"}'
    )
    last = placed(segment, 4, [DAY[3]])[0][0]
    assert rows[0][4:] == (kept, NOON + 3, last)


def test_the_relation_shows_the_declared_columns_alone(scene: Scene) -> None:
    """What a row keeps for the next event is nobody's business."""
    with scene.writer(REDUCING) as writer:
        commit(writer, scene.segment(writer), 1, DAY)

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT * FROM stories ORDER BY session_id"), {})

    assert result.columns == ("session_id", "trail", "count", "actors")


def test_a_row_tells_when_its_last_event_was_stored_and_no_digest_does(scene: Scene) -> None:
    """Where a state asks for it: another cut into batches gives another time, and equal rows."""
    timed = with_states(dataclasses.replace(STORIES, stored_at="seen_at"), SEATS)
    with scene.writer(timed) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, DAY[:3])
        first = scene.clock.now_us
        scene.clock.advance(5)
        commit(writer, segment, line, DAY[3:])

    with scene.store.reader() as reader:
        rows = reader.run_query(query("SELECT session_id, seen_at FROM stories"), {}).rows
    assert dict(map(tuple, rows)) == {"s": first + 5_000_000, "t": first}
    assert found_in(scene)["stories"] == states_by_model(placed(segment, 1, DAY))["stories"]


def test_a_row_tells_how_long_it_took_and_no_digest_does(scene: Scene) -> None:
    """Where a state asks for it: whole milliseconds, one for whatever took less."""
    timed = with_states(dataclasses.replace(STORIES, took_ms="made_in_ms"), SEATS)
    with scene.writer(timed) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, DAY[:3]), DAY[3:])
        merged = taken(scene)
        writer.rebuild_projection("stories")

    assert merged.keys() == taken(scene).keys() == {"s", "t"}
    for took_ms in (*merged.values(), *taken(scene).values()):
        assert isinstance(took_ms, int)
        assert 1 <= took_ms < TOO_LONG_MS
    assert found_in(scene)["stories"] == states_by_model(placed(segment, 1, DAY))["stories"]


def taken(scene: Scene) -> dict[str, object]:
    """How long each row says that it took."""
    with scene.store.reader() as reader:
        rows = reader.run_query(query("SELECT session_id, made_in_ms FROM stories"), {}).rows
    return {str(name): took_ms for name, took_ms in rows}


def test_a_poison_event_stops_one_state_and_the_ingest_goes_on(scene: Scene) -> None:
    """The state stands at the batch before, and says at which line and why."""
    with scene.writer(BROKEN) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, DAY[:1]), DAY[1:])

    found = standing(scene)
    position = placed(segment, 2, [DAY[1]])[0][0]
    assert {name: each.state for name, each in found.items()} == {
        "people": "live",
        "days": "live",
        "stories": "halted",
        "seats": "live",
    }
    assert found["stories"].batch_id == 1
    assert found["stories"].detail == (
        "apply of state stories failed with ValueError: nobody leaves, "
        f"at /logs/a.jsonl:2 position {position}"
    )
    model = states_by_model(placed(segment, 1, DAY))
    assert found_in(scene)["seats"] == model["seats"]
    assert found_in(scene)["stories"] == states_by_model(placed(segment, 1, DAY[:1]))["stories"]
    with scene.store.reader() as reader:
        assert shown_rows(reader) == rows_by_model(DAY)
        assert reader.counts().events == len(DAY)


def test_a_newer_version_of_the_pack_goes_on_after_poison(scene: Scene) -> None:
    """A raised version makes the table anew, from all events."""
    with scene.writer(BROKEN) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, 1, DAY)
    mended = with_states(dataclasses.replace(STORIES, version=2), SEATS)

    with scene.writer(mended):
        pass

    assert standing(scene)["stories"].state == "live"
    assert found_in(scene) == states_by_model(placed(segment, 1, DAY))


def test_poison_in_a_load_stops_the_state_as_well(scene: Scene) -> None:
    """The load ends well; the state is halted and shows nothing half."""
    with scene.writer(BROKEN) as writer, writer.bulk():
        segment = scene.segment(writer)
        commit(writer, segment, 1, DAY)

    assert standing(scene)["stories"].state == "halted"
    assert found_in(scene)["stories"] == []
    assert found_in(scene)["seats"] == states_by_model(placed(segment, 1, DAY))["seats"]


def test_a_rebuild_that_meets_poison_leaves_what_was_shown(scene: Scene) -> None:
    """The old version stays, halted, for the new one could not be made."""
    with scene.writer(BROKEN) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, DAY[:1]), DAY[1:])
        before = found_in(scene)

        writer.rebuild_projection("stories")

    assert found_in(scene) == before
    assert standing(scene)["stories"].state == "halted"


def _apply_of(value: object) -> Any:
    return lambda _kept, _event: value


def _row_of(**values: object) -> Any:
    return lambda _kept: {"trail": "", "count": 0} | values


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"apply": _apply_of(("a", "tuple"))}, "no JSON"),
        ({"apply": _apply_of({1: "a number as a key"})}, "no JSON"),
        ({"apply": _apply_of(float("nan"))}, "no JSON"),
        ({"apply": _apply_of({"a set"})}, "no JSON"),
        ({"apply": _apply_of("x" * KEPT_BYTES_MAX)}, "more than 1,048,576"),
        ({"start": lambda: {1}}, "no JSON"),
        ({"start": lambda: 1 // 0}, "start of state stories failed with ZeroDivisionError"),
        ({"row": lambda _kept: 1 // 0}, "row of state stories failed with ZeroDivisionError"),
        ({"row": lambda _kept: None}, "row of state stories failed with TypeError"),
        ({"row": _row_of(count="3")}, "column count of state stories takes no '3'"),
        ({"row": _row_of(count=True)}, "takes no True"),
        ({"row": _row_of(count=2**63)}, "takes no 9223372036854775808"),
        ({"row": _row_of(count=None)}, "takes no None"),
        ({"row": _row_of(trail=0)}, "column trail of state stories takes no 0"),
        ({"row": _row_of(other=0)}, "has no column 'other'"),
    ],
)
def test_what_cannot_be_kept_or_shown_halts_the_state(
    scene: Scene, changes: dict[str, Any], complaint: str
) -> None:
    """In words that say which function and what."""
    bad = dataclasses.replace(STORIES, **changes)
    with scene.writer(with_states(bad, SEATS)) as writer:
        commit(writer, scene.segment(writer), 1, DAY)

    found = standing(scene)

    assert (found["stories"].state, found["seats"].state) == ("halted", "live")
    assert complaint in found["stories"].detail


def test_what_a_log_may_hold_is_stored_as_columns_store_it(scene: Scene) -> None:
    """U+0000 and lone surrogates as their escapes: nobody can stop a state by typing them."""
    odd = dataclasses.replace(STORIES, row=_row_of(trail="\0\ud800"))
    with scene.writer(with_states(odd)) as writer:
        commit(writer, scene.segment(writer), 1, DAY[:1])

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT trail FROM stories"), {})
    assert [tuple(row) for row in result.rows] == [(r"\u0000\ud800",)]


def test_a_start_that_is_shared_is_not_changed_by_its_keys(scene: Scene) -> None:
    """Each key begins with a value of its own, whatever ``start`` gives back."""
    shared = STORIES.start()
    with scene.writer(with_states(dataclasses.replace(STORIES, start=lambda: shared))) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, 1, DAY)

    with scene.store.reader() as reader:
        rows = [row[:4] for row in stored_states(reader, STORIES)]
    assert rows == states_by_model(placed(segment, 1, DAY))["stories"]


def test_an_event_that_a_retry_gives_takes_its_place(scene: Scene) -> None:
    """It stands before others of its batch, and is applied once."""
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        writer.commit_batch(lines(segment, 1, 1, dead_letters=[dead_letter(segment, 1)]))
        commit(writer, segment, 2, DAY[1:])
        row = event_of(writer, segment, 1, DAY[0])

        writer.retry_dead_letter(row[0], Retry(event=row, promoted=("role", "port")))

    assert found_in(scene) == states_by_model(placed(segment, 1, DAY))


def test_a_retry_into_a_batch_that_is_still_missing_is_applied_once(scene: Scene) -> None:
    """After a load that failed, the next writer catches up with the batch and all it holds."""
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        with cut_off(writer.bulk()):
            writer.commit_batch(lines(segment, 1, 1, dead_letters=[dead_letter(segment, 1)]))
            commit(writer, segment, 2, DAY[1:])
        row = event_of(writer, segment, 1, DAY[0])
        writer.retry_dead_letter(row[0], Retry(event=row, promoted=("role", "port")))

    with scene.writer(REDUCING):
        pass

    assert found_in(scene) == states_by_model(placed(segment, 1, DAY))
    with scene.store.reader() as reader:
        assert shown_rows(reader) == rows_by_model(DAY)


def test_readers_see_the_old_table_until_the_new_one_is_whole(scene: Scene) -> None:
    """A rebuild that is cut off, in the middle of its keys, leaves what was shown."""
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, 1, DAY)
    scene.adapter.execute_raw("DELETE FROM stories_v1 WHERE session_id = 't'")
    drifted = found_in(scene)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(states, "_FILLED_EVENTS", 1)
        patch.setattr(StateTable, "fill", _seen_between(StateTable.fill, scene, drifted))

        with scene.writer(REDUCING) as writer:
            with pytest.raises(KeyboardInterrupt):
                writer.rebuild_projection("stories")
            assert found_in(scene) == drifted

    with scene.writer(REDUCING) as writer:
        writer.rebuild_projection("stories")
    assert found_in(scene) == states_by_model(placed(segment, 1, DAY))


def _seen_between(fill: Any, scene: Scene, wanted: Mapping[str, object]) -> Any:
    """Filling that looks at what is shown after its first part, and is then interrupted."""
    parts = []

    def seen(*args: Any, **named: Any) -> Any:
        assert found_in(scene) == wanted
        parts.append(None)
        if len(parts) > 1:
            raise KeyboardInterrupt
        return fill(*args, **named)

    return seen


def test_a_load_into_an_empty_store_walks_the_events_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first load, whatever its order and size, applies each event one time."""
    monkeypatch.setattr(spans, "_MERGED_EVENTS", 1)
    applied: list[int] = []
    with scene.writer(noting(applied)) as writer:
        segment = scene.segment(writer)
        with writer.bulk():
            commit(writer, segment, commit(writer, segment, 1, DAY), [LATE])

    assert sorted(applied) == [each for each, _ in placed(segment, 1, [*DAY, LATE])]


def test_the_events_of_other_packs_take_no_part(scene: Scene) -> None:
    """Also where they have the same columns, and a key is reduced anew."""
    other = dataclasses.replace(PACK, name="other")
    with scene.writer(REDUCING, other) as writer:
        ours = scene.segment(writer)
        line = commit(writer, ours, 1, DAY)
        commit(writer, scene.segment(writer, "/logs/b.jsonl"), 1, DAY)
        scene.adapter.execute_raw("UPDATE logs SET pack = 'other' WHERE source LIKE '%b.jsonl'")
        commit(writer, ours, line, [LATE])
        writer.rebuild_projection("seats")
        writer.rebuild_projection("stories")

    assert found_in(scene) == states_by_model(placed(ours, 1, [*DAY, LATE]))


def test_integers_may_be_keys(scene: Scene) -> None:
    """Negative ones too, in the order of numbers."""
    port = dataclasses.replace(PACK.fields.promoted[1], is_indexed=True)
    fields = dataclasses.replace(PACK.fields, promoted=(PACK.fields.promoted[0], port))
    ports = dataclasses.replace(STORIES, name="ports", key="port")
    pack = dataclasses.replace(PACK, fields=fields, states=(ports,))
    happened = [Happening(port=each) for each in (10, 9, -3, 9, None)]
    with scene.writer(pack) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, happened), [Happening(port=-3, ts=0)])
        writer.rebuild_projection("ports")
        commit(writer, segment, 7, [Happening(port=-3, ts=1)])

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT port, count FROM ports ORDER BY port"), {})
    assert [tuple(row) for row in result.rows] == [(-3, 3), (9, 2), (10, 1)]


@pytest.mark.parametrize(
    ("name", "column"), [("events", "x"), ("Odd", "x"), ("fine", "_state"), ("fine", "a b")]
)
def test_a_name_of_the_stores_own_is_refused(scene: Scene, name: str, column: str) -> None:
    """Of a state as of its columns, so that what it keeps is never shadowed."""
    bad = dataclasses.replace(STORIES, name=name, columns=(StateColumn(name=column),), indexed=())

    with pytest.raises(PackError), scene.writer(with_states(bad)):
        pass


def test_a_summary_and_a_state_cannot_share_a_name(scene: Scene) -> None:
    """Of two packs, as of one."""
    other = dataclasses.replace(
        PACK, name="other", states=(dataclasses.replace(STORIES, name="days"),)
    )

    with pytest.raises(PackError), scene.writer(REDUCING, other):
        pass


def test_another_order_makes_the_table_anew(scene: Scene) -> None:
    """A declaration that changed is noticed without a raised version."""
    with scene.writer(REDUCING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, DAY), [LATE])
    by_time = dataclasses.replace(SEATS, order=Order.TIME)

    with scene.writer(with_states(STORIES, by_time)):
        pass

    admin = next(row for row in found_in(scene)["seats"] if row[0] == "admin")
    assert admin[1] == "logout5admin;login1admin;logout2admin;"


def test_a_column_of_integers_holds_integers(scene: Scene) -> None:
    """As far as 64 bits go."""
    edges = dataclasses.replace(
        STORIES,
        columns=(StateColumn(name="edge", type=ColumnType.INTEGER),),
        row=lambda _kept: _edge(),
        indexed=(),
    )
    with scene.writer(with_states(edges)) as writer:
        commit(writer, scene.segment(writer), 1, DAY[:1])

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT edge FROM stories"), {})
    assert [tuple(row) for row in result.rows] == [(-(2**63),)]


def _edge() -> Mapping[str, StateValue]:
    return {"edge": -(2**63)}
