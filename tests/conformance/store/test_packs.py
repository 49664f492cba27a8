"""Columns that packs add to the events."""

from __future__ import annotations

import dataclasses

import pytest

from evidentia.errors import PackError, StoreError
from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.pack.contract import Pack
from evidentia.store.values import EventFilter

from .scene import PACK, Scene, event, lines, query

TEXT, INTEGER, REAL = ColumnType.TEXT, ColumnType.INTEGER, ColumnType.REAL


def _pack(name: str, version: int = 1, **columns: ColumnType) -> Pack:
    promoted = tuple(
        PromotedColumn(name=column, type=kind, sources=(column,))
        for column, kind in columns.items()
    )
    return Pack(
        name=name,
        version=version,
        title=name,
        fields=FieldMap(kind=("kind",), promoted=promoted),
    )


def test_packs_share_a_column_of_one_type(scene: Scene) -> None:
    """Two packs that promote the same name fill one column, and events list it once."""
    one, two = _pack("one", role=TEXT, port=INTEGER), _pack("two", role=TEXT, weight=REAL)

    with scene.writer(one, two), scene.store.reader() as reader:
        assert reader.promoted() == ("port", "role", "weight")
        assert reader.pack_versions() == {"one": 1, "two": 1}


def test_packs_that_disagree_on_a_type_are_refused(scene: Scene) -> None:
    """The refusal names both packs, the column and both types; nothing is added."""
    with scene.writer(_pack("one", role=TEXT)):
        pass

    with (
        pytest.raises(PackError) as caught,
        scene.writer(_pack("two", extra=TEXT, role=INTEGER)),
    ):
        pytest.fail("the pack was registered")

    assert caught.value.what == (
        "column role is integer here and TEXT in this store, where pack one made it"
    )
    assert caught.value.where == "pack two"
    with scene.store.reader() as reader:
        assert reader.promoted() == ("role",)


def test_a_pack_cannot_change_a_columns_type(scene: Scene) -> None:
    """SC-03: a version with another type is refused, for a strict column would bend its values."""
    with scene.writer(_pack("one", role=TEXT)):
        pass

    with (
        pytest.raises(PackError, match="role is integer here and TEXT in this store"),
        scene.writer(_pack("one", version=2, role=INTEGER)),
    ):
        pytest.fail("the pack was registered")


def test_a_dropped_column_keeps_its_type(scene: Scene) -> None:
    """A column that no pack declares any more is still there, and still of its type."""
    for pack in (_pack("one", role=TEXT), _pack("one", version=2)):
        with scene.writer(pack):
            pass

    with (
        pytest.raises(PackError, match="where an earlier pack made it"),
        scene.writer(_pack("two", role=REAL)),
    ):
        pytest.fail("the pack was registered")


@pytest.mark.parametrize("name", ["id", "kind", "raw_json", "log_path", "kind_id", "raw", "flags"])
def test_a_column_of_every_event_cannot_be_promoted(scene: Scene, name: str) -> None:
    """The names of the public relation and of the table behind it are reserved."""
    with (
        pytest.raises(PackError, match="cannot be promoted again"),
        scene.writer(_pack("one", **{name: TEXT})),
    ):
        pytest.fail("the pack was registered")


@pytest.mark.parametrize("name", ["", "Role", "1st", "a b", 'a"b', "a:b", "ré", "x" * 41, "a;--"])
def test_a_column_needs_a_plain_name(scene: Scene, name: str) -> None:
    """Invariant 6: names stand in the engine's DDL, so nothing but an identifier passes."""
    with (
        pytest.raises(PackError, match="no lower-case identifiers"),
        scene.writer(_pack("one", **{name: TEXT})),
    ):
        pytest.fail("the pack was registered")


def test_a_column_may_have_the_name_of_an_sql_word(scene: Scene) -> None:
    """Names are quoted: a reserved word, or a column of a table beside it, works as a column."""
    words = ("select", "order", "name", "path", "x" * 40)
    pack = Pack(
        name="one",
        version=1,
        title="one",
        fields=FieldMap(
            kind=("kind",),
            promoted=tuple(
                PromotedColumn(name=word, type=TEXT, sources=(word,), is_indexed=True)
                for word in words
            ),
        ),
    )
    with scene.writer(pack) as writer:
        segment = scene.segment(writer)
        row = event(segment, 1, writer.kind_ids(["k"])["k"], promoted=words)
        with writer.bulk():
            writer.commit_batch(lines(segment, 1, 1, events=[row], promoted=words))

    with scene.store.reader() as reader:
        (listed,) = reader.list_events(EventFilter())
    assert {word: listed[word] for word in words} == {word: word for word in words}
    assert scene.events(segment, words)[0].columns[-5:] == words


def test_columns_added_later_leave_old_rows_alone(scene: Scene) -> None:
    """Rows from before have NULL in the new column; their bytes and positions stay."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 2)
    before = scene.events(segment)
    grown = dataclasses.replace(
        PACK,
        version=2,
        fields=FieldMap(
            kind=("kind",),
            promoted=(
                *PACK.fields.promoted,
                PromotedColumn(name="weight", type=REAL, sources=("weight",)),
            ),
        ),
    )

    with scene.writer(grown) as writer:
        row = event(segment, 5, writer.kind_ids(["login"])["login"], promoted=(0.1,))
        writer.commit_batch(lines(segment, 5, 5, events=[row], promoted=("weight",)))

    assert scene.events(segment)[:2] == before
    with scene.store.reader() as reader:
        weights = reader.run_query(query("SELECT weight FROM events ORDER BY id"), {})
        assert reader.pack_versions() == {"demo": 2}
    assert weights.rows == ((None,), (None,), (0.1,))


def test_registering_the_same_pack_again_changes_nothing(scene: Scene) -> None:
    """The next run finds its columns there."""
    with scene.writer():
        before = scene.adapter.dump()["packs"]
    scene.clock.advance(5)

    with scene.writer():
        assert scene.adapter.dump()["packs"] == before


@pytest.mark.parametrize(("name", "value"), [("port", "abc"), ("role", b"x"), ("weight", "x")])
def test_a_promoted_column_is_as_strict_as_any(scene: Scene, name: str, value: object) -> None:
    """SC-03: a value of another type is refused."""
    with scene.writer(_pack("one", port=INTEGER, role=TEXT, weight=REAL)) as writer:
        segment = scene.segment(writer)
        row = event(segment, 1, writer.kind_ids(["k"])["k"], promoted=(value,))

        with pytest.raises(StoreError):
            writer.commit_batch(lines(segment, 1, 1, events=[row], promoted=(name,)))
