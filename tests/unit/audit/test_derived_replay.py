"""A pack's database follows its ledger, and is the same when it is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.store.derived_kit import maker, product, refusals, rows, state

from evidentia.audit import derived_replay
from evidentia.audit.derived_events import events_after, origin_of
from evidentia.audit.derived_replay import catch_up, rebuild
from evidentia.errors import DivergenceError, LedgerDamagedError, LedgerMissingError
from evidentia.event.values import JsonObject
from evidentia.store.derived_rows import Checkpoint

from .derived_scene import Scene, scene_in


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A ledger of several segments and an empty database."""
    found = scene_in(tmp_path)
    for number in range(12):
        found.append([maker(f"m{number}")], [product(f"m{number}")])
    return found


def _digest(scene: Scene) -> bytes:
    with scene.store.reading() as reader:
        return reader.checkpoint().digest


def test_everything_is_applied_once(scene: Scene) -> None:
    """Across segments; a second time there is nothing left."""
    first = catch_up(scene.store, scene.folder)
    second = catch_up(scene.store, scene.folder)

    assert len(list(scene.folder.glob("*.jsonl"))) > 3
    assert (first.events, first.rows, first.refused) == (25, 24, 0)
    assert second.events == 0
    assert [row["maker"] for row in rows(scene.store, "makers")] == [f"m{n}" for n in range(12)]


def test_catching_up_goes_on_where_it_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several transactions, wherever they end, also at the end of a segment."""
    monkeypatch.setattr(derived_replay, "_COMMIT_EVENTS", 1)
    monkeypatch.setattr(derived_replay, "_GROUP_EVENTS", 1)

    catch_up(scene.store, scene.folder)
    scene.append([maker("late")])
    found = catch_up(scene.store, scene.folder)

    assert found.rows == 1
    assert len(rows(scene.store, "makers")) == 13
    digest = _digest(scene)
    monkeypatch.undo()
    rebuild(scene.store, scene.folder)
    assert _digest(scene) == digest


def test_a_rebuild_gives_the_same_rows_and_digest(scene: Scene) -> None:
    """Ids and refusals included, and what was changed by hand is gone."""
    scene.append([maker("m1")], [state("m1", word="a")], [state("m1", word="b")])
    catch_up(scene.store, scene.folder)
    before = {name: rows(scene.store, name) for name in ("makers", "products", "states")}
    refused, digest = refusals(scene.store), _digest(scene)
    with scene.store.changing() as connection:
        connection.exec_driver_sql("UPDATE makers SET mood = 'bad' WHERE id = 3")
        connection.exec_driver_sql("DELETE FROM products WHERE id = 5")

    rebuild(scene.store, scene.folder)

    assert {name: rows(scene.store, name) for name in before} == before
    assert refusals(scene.store) == refused
    assert _digest(scene) == digest


def test_another_ledger_is_refused(scene: Scene, tmp_path: Path) -> None:
    """The database keeps to the ledger that it was filled from."""
    catch_up(scene.store, scene.folder)
    other = tmp_path / "other"
    other.mkdir()
    place = scene_in(other).folder
    lines = next(place.glob("*.jsonl"))
    lines.write_bytes(lines.read_bytes().replace(b"test.example/ledger", b"test.example/ledge2"))

    with pytest.raises(DivergenceError, match="was filled from ledger"):
        catch_up(scene.store, place)


def test_a_ledger_that_was_put_back_is_refused(scene: Scene) -> None:
    """What was applied last must be in it, and the same."""
    catch_up(scene.store, scene.folder)
    last = max(scene.folder.glob("*.jsonl"))
    last.write_bytes(last.read_bytes()[:-200])

    with pytest.raises(DivergenceError, match="holds 25 events"):
        catch_up(scene.store, scene.folder)


def test_a_line_in_the_wrong_place_is_refused(scene: Scene) -> None:
    """An event must follow the one before it."""
    first = min(scene.folder.glob("*.jsonl"))
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join((*lines[:1], *lines[2:])))

    with pytest.raises(LedgerDamagedError, match="here belongs event 1"):
        catch_up(scene.store, scene.folder)

    with scene.store.reading() as reader:
        assert reader.checkpoint().size == 0


def test_what_is_not_acknowledged_is_not_applied(scene: Scene) -> None:
    """Bytes that the writer has not told of may be cut off again."""
    last = max(scene.folder.glob("*.jsonl"))
    note = scene.folder / "acknowledged"
    sequence, end = (int(each) for each in note.read_bytes().split())
    lines = last.read_bytes().splitlines(keepends=True)
    note.write_bytes(b"%020d %020d\n" % (sequence, end - len(lines[-1]) - len(lines[-2])))

    found = catch_up(scene.store, scene.folder)

    assert found.events == 23


def test_a_batch_that_is_cut_off_is_not_applied(scene: Scene) -> None:
    """A copy of a ledger may lack the note of how far it was acknowledged."""
    scene.append([maker("x")], [maker("y")])
    (scene.folder / "acknowledged").unlink()
    last = max(scene.folder.glob("*.jsonl"))
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:-1]))

    found = catch_up(scene.store, scene.folder)

    assert found.events == 25


def test_a_missing_ledger_is_named(scene: Scene, tmp_path: Path) -> None:
    """And nothing is changed."""
    with pytest.raises(LedgerMissingError):
        catch_up(scene.store, tmp_path / "nowhere")
    with pytest.raises(LedgerMissingError):
        origin_of(tmp_path / "nowhere")


def test_a_broken_line_is_named_with_its_place(scene: Scene) -> None:
    """File and byte."""
    first = min(scene.folder.glob("*.jsonl"))
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join((lines[0], b"{}\n", *lines[2:])))

    with pytest.raises(LedgerDamagedError, match="event 1 cannot be read") as caught:
        list(events_after(scene.folder, Checkpoint()))

    assert caught.value.where == f"{first}, byte {len(lines[0])}"


ROWS = st.one_of(
    st.builds(maker, st.sampled_from(["a", "b"]), mood=st.sampled_from(["good", "odd"])),
    st.builds(product, st.sampled_from(["a", "b"])),
    st.builds(state, st.sampled_from(["a", "b"]), count=st.integers(0, 3)),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.lists(st.lists(ROWS, max_size=2), min_size=1), st.booleans())))
def test_any_rhythm_of_appending_and_catching_up_gives_what_a_rebuild_gives(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[list[list[JsonObject]], bool]],
) -> None:
    """Rows and digest do not depend on when the ledger was read."""
    scene = scene_in(tmp_path_factory.mktemp("scene"))
    for events, is_read in steps:
        scene.append(*events)
        if is_read:
            catch_up(scene.store, scene.folder)
    catch_up(scene.store, scene.folder)
    tables = ("makers", "products", "states", "refused_records", "row_counters")
    before = {name: rows(scene.store, name) for name in tables}
    digest = _digest(scene)

    rebuild(scene.store, scene.folder)

    assert {name: rows(scene.store, name) for name in tables} == before
    assert _digest(scene) == digest
