"""Large loads: what they drop, and who puts it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.errors import StoreError
from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.pack.contract import Pack
from evidentia.store.opening import Store

from .kit import PACK, batch_of, fill, query, writing

OWN = {
    "ix_event_rows_event_id",
    "ix_event_rows_kind",
    "ix_event_rows_session",
    "ix_event_rows_ts",
    "ix_event_rows_promoted_role",
}
OTHER = Pack(
    name="other",
    version=1,
    title="another pack",
    fields=FieldMap(
        kind=("kind",),
        promoted=(
            PromotedColumn(name="port", type=ColumnType.INTEGER, sources=("p",), is_indexed=True),
        ),
    ),
)


def _indexes(store: Store) -> set[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event_rows'"
    with store.reader() as reader:
        return {str(name) for (name,) in reader.run_query(query(sql), {}).rows}


def test_a_large_load_does_without_indexes_and_gets_them_back(store: Store) -> None:
    """Inside, every insert costs one tree less each; afterwards all is as it was."""
    with writing(store) as writer:
        segment = fill(writer)
        before = _indexes(store)
        with writer.bulk():
            inside = _indexes(store)
            writer.commit_batch(batch_of(segment.id, 6, 3))

        assert _indexes(store) == before == OWN

    assert inside == set()


def test_indexes_of_other_packs_stay(store: Store) -> None:
    """A load drops only what its own end builds again."""
    with writing(store, OTHER):
        pass

    with writing(store) as writer, writer.bulk():
        inside = _indexes(store)

    assert inside == {"ix_event_rows_promoted_port"}
    assert _indexes(store) == OWN | inside


def test_indexes_of_columns_that_the_load_does_not_fill_stay(store: Store) -> None:
    """Building one is a reading of the whole table; keeping it empty costs nothing."""
    with writing(store, PACK, OTHER) as writer:
        with writer.bulk({"other"}):
            inside = _indexes(store)
        with writer.bulk({PACK.name}):
            inside_own = _indexes(store)

    assert inside == {
        "ix_event_rows_event_id",
        "ix_event_rows_session",
        "ix_event_rows_promoted_role",
    }
    assert inside_own == inside - {"ix_event_rows_promoted_role"} | {"ix_event_rows_promoted_port"}
    assert _indexes(store) == OWN | inside_own


def test_a_load_that_fails_leaves_building_to_the_next_writer(store: Store) -> None:
    """The failure passes unchanged and at once; what lacks is noticed, then built."""
    with pytest.raises(ZeroDivisionError), writing(store) as writer, writer.bulk():
        raise ZeroDivisionError
    with store.reader() as reader:
        notices = reader.notices()

    with writing(store):
        pass

    assert [notice.split(" is missing")[0] for notice in notices] == [
        "the index ix_event_rows_ts",
        "the index ix_event_rows_kind",
        "the index ix_event_rows_session",
        "the index ix_event_rows_event_id",
    ]
    assert _indexes(store) == OWN
    with store.reader() as reader:
        assert (reader.notices(), reader.audit_entries(limit=9)) == ((), ())


def test_a_batch_that_fails_inside_a_load_rolls_back_alone(store: Store) -> None:
    """Batches committed before it stay, and the load may go on."""
    with writing(store) as writer:
        segment = fill(writer)
        with writer.bulk():
            with pytest.raises(StoreError):
                writer.commit_batch(batch_of(segment.id, 1, 3))
            writer.commit_batch(batch_of(segment.id, 6, 3))

    with store.reader() as reader:
        assert reader.counts().batches == 2


def test_bulk_and_delta_give_the_same_store(tmp_path: Path) -> None:
    """Invariant 10: the way of loading leaves no trace in rows, indexes or triggers."""
    dumps = []
    for name in ("bulk", "delta"):
        store = Store(path=tmp_path / name)
        with writing(store) as writer:
            segment = fill(writer)
            if name == "bulk":
                with writer.bulk():
                    writer.commit_batch(batch_of(segment.id, 6, 3))
            else:
                writer.commit_batch(batch_of(segment.id, 6, 3))
        with store.reader() as reader:
            sql = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
            schema = reader.run_query(query(sql), {})
            events = reader.run_query(query("SELECT * FROM events ORDER BY id"), {})
            dumps.append((schema, events, list(reader.batches())))

    assert dumps[0] == dumps[1]


def test_a_pack_without_indexed_columns_adds_none(store: Store) -> None:
    """Only what a pack wants to look up by is indexed."""
    plain = PromotedColumn(name="note", type=ColumnType.TEXT, sources=("note",))
    pack = Pack(
        name="plain", version=1, title="plain", fields=FieldMap(kind=("k",), promoted=(plain,))
    )

    with writing(store, pack):
        pass

    assert _indexes(store) == OWN - {"ix_event_rows_promoted_role"}
    assert PACK.fields.promoted[0].is_indexed


def test_a_large_load_writes_its_pages_once(store: Store) -> None:
    """No WAL inside, readers still see whole batches, and afterwards all is as it was."""
    with writing(store) as writer:
        segment = fill(writer)
        before = writer.settings()
        with writer.bulk():
            inside = writer.settings()
            writer.commit_batch(batch_of(segment.id, 6, 3))
            with store.reader() as reader:
                seen = reader.counts().batches

        after = writer.settings()

    assert (before["journal_mode"], inside["journal_mode"]) == ("wal", "delete")
    assert after == before
    assert seen == 2


def test_a_reader_keeps_the_write_ahead_log(store: Store) -> None:
    """The journal cannot change under somebody who reads; the load goes on as it is."""
    with writing(store) as writer:
        segment = fill(writer)
        with store.reader() as reader:
            before = reader.counts().batches
            with writer.bulk():
                inside = writer.settings()
                writer.commit_batch(batch_of(segment.id, 6, 3))

            assert reader.counts().batches == before

    assert inside["journal_mode"] == "wal"
