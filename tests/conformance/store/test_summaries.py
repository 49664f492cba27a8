"""Summaries hold what the stored events give, whatever way those came in."""

from __future__ import annotations

import dataclasses

import pytest

from evidentia.errors import PackError, StoreError, UsageError
from evidentia.pack.summary import Key, Points, Score
from evidentia.pack.summary import count as counted
from evidentia.store.dead_letters import Retry

from .interleaving import PARTY, cut_off
from .scene import PACK, Scene, dead_letter, lines, query
from .summing import (
    DAYS,
    PEOPLE,
    SUMMING,
    Happening,
    commit,
    event_of,
    rows_by_model,
    shown_rows,
    stored_rows,
)


def found_in(scene: Scene) -> dict[str, list[tuple[object, ...]]]:
    """What the summaries hold."""
    with scene.store.reader() as reader:
        return shown_rows(reader)


def refuse(scene: Scene, table: str = "days_v1") -> None:
    """Let a summary's table refuse every row, as it would one that does not fit."""
    scene.adapter.execute_raw(
        f"CREATE TRIGGER refusing BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
    )


def states(scene: Scene) -> dict[str, str]:
    """The state of each projection."""
    with scene.store.reader() as reader:
        return {each.name: each.state for each in reader.projections()}


def test_a_summary_holds_what_the_events_give(scene: Scene) -> None:
    """Every merge: counts, sums, least and greatest, first and last in time, flags, days."""
    with scene.writer(SUMMING) as writer:
        commit(writer, scene.segment(writer), 1, PARTY)

    assert found_in(scene) == rows_by_model(PARTY)


def test_the_relation_shows_the_values_alone(scene: Scene) -> None:
    """What queries select from has first and last values, without the times they are kept with."""
    with scene.writer(SUMMING) as writer:
        commit(writer, scene.segment(writer), 1, PARTY)

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT * FROM people ORDER BY session_id, role"), {})

    shown = [tuple(row)[: len(PEOPLE.columns)] for row in result.rows]
    assert shown == rows_by_model(PARTY)["people"]


def test_a_score_is_bounded_for_each_measure(scene: Scene) -> None:
    """Points for each, never more than the most, none for what is not there, and no overflow."""
    people = [
        *(Happening(session="few", kind=kind) for kind in ("login", "look")),
        *(Happening(session="many", port=port) for port in (2**62, 2**61, 2**60)),
    ]
    with scene.writer(SUMMING) as writer:
        commit(writer, scene.segment(writer), 1, people)

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT session_id, score FROM people ORDER BY 1"), {})

    assert [tuple(row) for row in result.rows] == [("few", 2), ("many", 8)]


def test_a_score_may_count_different_values(scene: Scene) -> None:
    """By the number that the relation shows."""
    score = Score(name="score", points=(Points(measure="actors", each=2, most=5),))
    pack = dataclasses.replace(PACK, summaries=(dataclasses.replace(PEOPLE, scores=(score,)),))
    people = [Happening(actor=each) for each in ("a", "b", "a", None)]
    with scene.writer(pack) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, people), people)

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT actors, score FROM people"), {})
    assert [tuple(row) for row in result.rows] == [(2, 4)]


@pytest.mark.parametrize("cut", range(1, len(PARTY)))
@pytest.mark.parametrize("way", ["delta", "bulk"])
def test_cuts_and_bulk_give_equal_tables(scene: Scene, cut: int, way: str) -> None:
    """Invariant 10: the stored rows themselves are equal, and not only what is shown of them."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        if way == "bulk":
            with writer.bulk():
                commit(writer, segment, commit(writer, segment, 1, PARTY[:cut]), PARTY[cut:])
        else:
            commit(writer, segment, commit(writer, segment, 1, PARTY[:cut]), PARTY[cut:])

    with scene.store.reader() as reader:
        found = stored_rows(reader, PEOPLE)
    with scene.writer(SUMMING) as writer:
        writer.rebuild_projection("people")
    with scene.store.reader() as reader:
        assert stored_rows(reader, PEOPLE) == found
    assert found_in(scene) == rows_by_model(PARTY)


def test_a_batch_that_fails_leaves_no_trace_in_a_summary(scene: Scene) -> None:
    """Invariant 2: rows and summaries are one transaction."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, PARTY[:2])
        with cut_off(writer.transaction()):
            commit(writer, segment, line, PARTY[2:])

        assert found_in(scene) == rows_by_model(PARTY[:2])
        commit(writer, segment, line, PARTY[2:])

    assert found_in(scene) == rows_by_model(PARTY)


def test_a_replay_counts_nothing_twice(scene: Scene) -> None:
    """Invariant 4: a batch that the store refuses, because it holds it, changes no summary."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, 1, PARTY)

        with pytest.raises(StoreError):
            commit(writer, segment, 1, PARTY)

    assert found_in(scene) == rows_by_model(PARTY)


def test_an_event_that_a_retry_gives_is_counted_once(scene: Scene) -> None:
    """It joins a batch that was counted without it."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, PARTY[1:])
        writer.commit_batch(lines(segment, line, line, dead_letters=[dead_letter(segment, line)]))
        row = event_of(writer, segment, line, PARTY[0])

        writer.retry_dead_letter(row[0], Retry(event=row, promoted=("role", "port")))

    assert found_in(scene) == rows_by_model(PARTY)
    with scene.writer(SUMMING) as writer:
        writer.rebuild_projection("people")
    assert found_in(scene) == rows_by_model(PARTY)


def test_rows_put_back_by_recover_are_not_counted_again(scene: Scene) -> None:
    """They were counted when they came in."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        events = [event_of(writer, segment, n, each) for n, each in enumerate(PARTY, 1)]
        write = lines(segment, 1, len(PARTY), events=events, promoted=("role", "port"))
        batch = writer.commit_batch(write)

        writer.replace_rows(batch, write)

    assert found_in(scene) == rows_by_model(PARTY)


def test_a_store_that_was_filled_before_gets_its_summaries(scene: Scene) -> None:
    """A pack that declares them later, as a newer version does, finds them filled."""
    with scene.writer(PACK) as writer:
        commit(writer, scene.segment(writer), 1, PARTY)

    with scene.writer(SUMMING):
        pass

    assert found_in(scene) == rows_by_model(PARTY)


def test_what_came_in_without_the_pack_is_caught_up(scene: Scene) -> None:
    """A writer without the pack leaves its summaries where they stand; the next goes on there."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, PARTY[:3])
    with scene.writer(PACK) as writer:
        commit(writer, segment, line, PARTY[3:])
    behind = found_in(scene)

    with scene.writer(SUMMING):
        pass

    assert behind == rows_by_model(PARTY[:3])
    assert found_in(scene) == rows_by_model(PARTY)


def test_a_load_that_fails_is_caught_up_by_the_next_writer(scene: Scene) -> None:
    """What was committed stays and is counted once, whatever the failed writer does afterwards."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        with cut_off(writer.bulk()):
            line = commit(writer, segment, 1, PARTY[:3])
        commit(writer, segment, line, PARTY[3:])

    with scene.writer(SUMMING):
        pass

    assert found_in(scene) == rows_by_model(PARTY)


def test_another_declaration_makes_the_table_anew(scene: Scene) -> None:
    """A column that a newer version of a pack adds holds the old events too."""
    with scene.writer(SUMMING) as writer:
        commit(writer, scene.segment(writer), 1, PARTY)
    wider = dataclasses.replace(DAYS, measures=(*DAYS.measures, counted("logins", "login")))

    with scene.writer(dataclasses.replace(PACK, summaries=(PEOPLE, wider))):
        pass

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT sum(events), sum(logins) FROM days"), {})
        numbers = {each.name: each.number for each in reader.projections()}
    assert [tuple(row) for row in result.rows] == [(5, 3)]
    assert numbers == {"people": 1, "days": 2}


def test_readers_see_the_old_table_until_the_new_one_is_whole(scene: Scene) -> None:
    """A rebuild that is cut off leaves what was shown, and the next one begins anew."""
    with scene.writer(SUMMING) as writer:
        commit(writer, scene.segment(writer), 1, PARTY)
    scene.adapter.execute_raw("DELETE FROM people_v1 WHERE session_id = 't'")
    drifted = found_in(scene)

    with scene.writer(SUMMING) as writer:
        with cut_off(writer.transaction()):
            writer.rebuild_projection("people")
        assert found_in(scene) == drifted
        writer.rebuild_projection("people")

    assert drifted != rows_by_model(PARTY)
    assert found_in(scene) == rows_by_model(PARTY)


def test_a_projection_that_refuses_an_event_stops_and_the_ingest_goes_on(scene: Scene) -> None:
    """What cannot be merged halts that one projection, visibly; events and others go on."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        line = commit(writer, segment, 1, PARTY[:2])
    refuse(scene)
    with scene.writer(SUMMING) as writer:
        commit(writer, segment, line, PARTY[2:])

    assert states(scene) == {"people": "live", "days": "halted"}
    assert found_in(scene)["people"] == rows_by_model(PARTY)["people"]
    assert found_in(scene)["days"] == rows_by_model(PARTY[:2])["days"]
    with scene.writer(SUMMING) as writer:
        writer.rebuild_projection("days")
    assert states(scene) == {"people": "live", "days": "live"}
    assert found_in(scene) == rows_by_model(PARTY)


def test_a_sum_beyond_64_bits_halts_only_its_projection(scene: Scene) -> None:
    """A number that somebody typed into a log stops no ingest."""
    huge = Happening(port=2**63 - 1)
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, [huge]), [huge, huge])

    assert states(scene) == {"people": "halted", "days": "live"}
    assert found_in(scene)["days"] == rows_by_model([huge] * 3)["days"]


@pytest.mark.parametrize("name", ["events", "batches", "Odd", "drop table"])
def test_a_name_of_the_stores_own_is_refused(scene: Scene, name: str) -> None:
    """A summary takes the place of no relation, and its name cannot be SQL."""
    pack = dataclasses.replace(PACK, summaries=(dataclasses.replace(DAYS, name=name),))

    with pytest.raises(PackError), scene.writer(pack):
        pass


def test_two_packs_cannot_declare_one_summary(scene: Scene) -> None:
    """Neither at once, nor one after the other."""
    other = dataclasses.replace(SUMMING, name="other")

    with pytest.raises(PackError), scene.writer(SUMMING, other):
        pass
    with scene.writer(SUMMING):
        pass
    with pytest.raises(PackError), scene.writer(other):
        pass


def test_only_what_is_declared_can_be_made_anew(scene: Scene) -> None:
    """A name that no pack declares is the caller's mistake."""
    with scene.writer(SUMMING) as writer, pytest.raises(UsageError):
        writer.rebuild_projection("nobody")


def test_a_key_may_be_all_there_is(scene: Scene) -> None:
    """A summary without measures is the set of its keys."""
    keys = dataclasses.replace(
        DAYS, name="seen", keys=(Key(name="who", column="actor"),), measures=()
    )
    with scene.writer(dataclasses.replace(PACK, summaries=(keys,))) as writer:
        segment = scene.segment(writer)
        commit(writer, segment, commit(writer, segment, 1, PARTY), PARTY)

    with scene.store.reader() as reader:
        result = reader.run_query(query("SELECT who FROM seen ORDER BY who"), {})
    assert [tuple(row) for row in result.rows] == [("'",), ("0",), ("a",), ("b",)]
