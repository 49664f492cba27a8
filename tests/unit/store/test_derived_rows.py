"""Events become rows, whatever way they are grouped, and what a rule refuses stops nothing."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.event.values import JsonObject
from evidentia.store.derived_rows import PlacedEvent

from .derived_kit import (
    DATABASE,
    ORIGIN,
    apply,
    event,
    maker,
    product,
    refusals,
    rows,
    state,
    store_in,
)

TABLES = ("makers", "products", "states", "refused_records", "row_counters")


def test_rows_take_defaults_and_the_time_of_the_record(tmp_path: Path) -> None:
    """What a row leaves out is its default; created_at is when the ledger recorded the event."""
    store = store_in(tmp_path)

    apply(store, [event(0, maker("ada"), product("ada", price=2))])

    assert rows(store, "makers")[0]["created_at"] == "2026-01-01 00:00:00.000000"
    assert rows(store, "products") == [
        {
            "id": 1,
            "maker": "ada",
            "grams": 1,
            "price": 2.0,
            "created_at": "2026-01-01 00:00:00.000000",
        }
    ]


def test_a_later_row_of_a_state_changes_what_it_names(tmp_path: Path) -> None:
    """Columns that it leaves out, the id and created_at stay; changed_at is its own."""
    store = store_in(tmp_path)

    apply(store, [event(0, state("ada", word="a", count=1)), event(1, state("ada", word="b"))])

    assert rows(store, "states") == [
        {
            "id": 1,
            "maker": "ada",
            "word": "b",
            "count": 1,
            "created_at": "2026-01-01 00:00:00.000000",
            "changed_at": "2026-01-01 00:00:00.000001",
        }
    ]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (maker("ada"), "duplicate"),
        (product("nobody"), "unknown_reference"),
        ({"makers": {"maker": "eve"}}, "missing"),
        (maker("eve", mood="odd"), "not_in_vocabulary"),
        (maker("eve", about="{not json"), "bad_json"),
        (maker("eve", seen="yesterday"), "bad_time"),
        (maker("eve", seen="2026-02-30T00:00:00Z"), "bad_time"),
        (product("ada", grams="much"), "bad_number"),
        (product("ada", grams=1.5), "bad_number"),
        (product("ada", grams=True), "bad_number"),
        (product("ada", grams=2**63), "bad_number"),
        (product("ada", price="dear"), "bad_number"),
        (maker("eve", about=1), "bad_json"),
        (maker("e\0ve"), "bad_text"),
        ({"makers": {"maker": "eve", "mood": "good", "hat": "red"}}, "declaration"),
        ({"hats": {"hat": "red"}}, "declaration"),
    ],
)
def test_what_a_rule_refuses_is_put_aside_with_its_reason(
    tmp_path: Path, refused: JsonObject, reason: str
) -> None:
    """All rows of the event are refused with it, its line is kept, and the others land."""
    store = store_in(tmp_path)
    bad = event(1, product("ada", grams=7), refused)

    apply(store, [event(0, maker("ada")), bad, event(2, product("ada", grams=8))])

    assert refusals(store) == {1: reason}
    assert [row["grams"] for row in rows(store, "products")] == [8]
    assert [row["id"] for row in rows(store, "products")] == [1]
    assert rows(store, "refused_records")[0]["event_json"] == bad.line.decode()
    with store.reading() as reader:
        assert reader.checkpoint().size == 3


def test_a_pack_may_refuse_and_may_be_broken(tmp_path: Path) -> None:
    """Its own refusal keeps its word; a defect of it is one more refusal and stops nothing."""
    store = store_in(tmp_path)

    apply(store, [event(0, kind="refused"), event(1, kind="broken"), event(2, maker("ada"))])

    assert refusals(store) == {0: "unfit", 1: "declaration"}
    assert [row["maker"] for row in rows(store, "makers")] == ["ada"]


def test_a_duplicate_never_replaces_the_first(tmp_path: Path) -> None:
    """The first row and what refers to it stay as they were (RR-16)."""
    store = store_in(tmp_path)

    apply(store, [event(0, maker("ada", about="1"), product("ada")), event(1, maker("ada"))])

    assert [row["about"] for row in rows(store, "makers")] == ["1"]
    assert len(rows(store, "products")) == 1


def test_a_row_may_not_refer_to_what_a_later_event_makes(tmp_path: Path) -> None:
    """The ledger's order counts, also inside a group that is written by table."""
    store = store_in(tmp_path)

    apply(store, [event(0, product("ada")), event(1, maker("ada"))])

    assert refusals(store) == {0: "unknown_reference"}


def test_rows_and_checkpoint_are_one_transaction(tmp_path: Path) -> None:
    """A writer that fails leaves neither rows nor checkpoint behind."""
    store = store_in(tmp_path)

    def fail() -> None:
        with store.writing() as writer:
            writer.apply([event(0, maker("ada"))], ORIGIN)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert rows(store, "makers") == []
    with store.reading() as reader:
        assert reader.checkpoint().size == 0


NAMES = st.sampled_from(["ada", "bob", "cy"])
ROWS = st.one_of(
    st.builds(maker, NAMES, mood=st.sampled_from(["good", "bad", "odd"])),
    st.builds(product, NAMES, grams=st.sampled_from([1, 2, "x"])),
    st.builds(state, NAMES, count=st.integers(0, 3)),
)
EVENTS = st.lists(st.lists(ROWS, max_size=3), max_size=12)


def _placed(lists: list[list[JsonObject]]) -> list[PlacedEvent]:
    return [event(number, *each) for number, each in enumerate(lists)]


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.integers(1, 12))
def test_groups_give_what_single_events_give(lists: list[list[JsonObject]], group: int) -> None:
    """Rows, ids, refusals and the digest do not depend on how many are written at once."""
    events = _placed(lists)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        single, grouped = store_in(Path(one)), store_in(Path(other))

        apply(single, events, 1)
        apply(grouped, events, group)

        for table in TABLES:
            assert rows(single, table) == rows(grouped, table), table
        with single.reading() as left, grouped.reading() as right:
            assert left.checkpoint() == right.checkpoint()


def test_the_digest_tells_rows_apart(tmp_path: Path) -> None:
    """Another value, another order or another refusal is another digest."""
    lists = (
        [[maker("ada")], [maker("bob")]],
        [[maker("bob")], [maker("ada")]],
        [[maker("ada")], [maker("bob", about="1")]],
        [[maker("ada")], [maker("ada")]],
    )
    digests = set()
    for number, each in enumerate(lists):
        folder = tmp_path / str(number)
        folder.mkdir()
        store = store_in(folder)
        apply(store, _placed([list(rows) for rows in each]))
        with store.reading() as reader:
            digests.add(reader.checkpoint().digest)

    assert len(digests) == len(lists)


def test_every_event_line_is_json(tmp_path: Path) -> None:
    """What is put aside can be read again."""
    store = store_in(tmp_path)

    apply(store, [event(0, maker("ada", mood="odd"))])

    assert json.loads(str(rows(store, "refused_records")[0]["event_json"]))["sequence"] == 0
    assert DATABASE.table("makers").parents == ()
