"""What became of one line, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.audit.explain import Explanation, Fate, explain
from evidentia.errors import UsageError

from .conftest import CONTENT, LOG, OPTIONS


def told(place: Place, line_no: int, name: str = LOG) -> Explanation:
    """What became of a line of a file."""
    with place.store.reader() as reader:
        return explain(reader, place.folder / name, line_no)


def test_an_event_is_told_with_its_columns_and_place(filled: Place) -> None:
    """The derived columns, the bytes, the batch, and which pack read them."""
    found = told(filled, 4)

    assert (found.fate, found.raw) == (Fate.EVENT, good(3)[:-1])
    assert found.byte_offset == 3 + len(goods(3))
    assert found.position == (1 << 40) + found.byte_offset
    assert dict(found.columns)["actor"] == "actor 0"
    assert dict(found.columns)["level"] == 3
    assert (found.batch_id, found.because) == (1, "read by pack plain")


def test_an_event_that_the_schema_refuses_is_told_with_the_finding(filled: Place) -> None:
    """Flags and findings are part of the explanation."""
    ((line_no,),) = filled.rows("SELECT line_no FROM event_rows WHERE flags != 0")

    found = told(filled, line_no)

    assert (found.fate, found.flags) == (Fate.EVENT, ("schema_invalid",))
    assert found.findings[0].startswith("plain.event/1: level: ")


def test_a_dead_letter_is_told_with_the_rule_that_failed(filled: Place) -> None:
    """IN-17: the reason names the rule and the column."""
    found = told(filled, 15)

    assert (found.fate, found.raw) == (Fate.DEAD_LETTER, b"[1]")
    assert found.because.startswith("not_object at column 1: ")
    assert found.because.endswith("(open)")


@pytest.mark.parametrize("line_no", [13, 14])
def test_a_blank_line_is_told(filled: Place, line_no: int) -> None:
    """Accounted for, and nothing more."""
    assert told(filled, line_no).fate is Fate.BLANK


def test_a_line_over_the_limit_is_told_without_its_bytes(filled: Place) -> None:
    """The bytes are in the log only."""
    ((line_no,),) = filled.rows("SELECT line_no FROM dead_letter_rows WHERE raw IS NULL")

    found = told(filled, line_no)

    assert (found.fate, found.raw) == (Fate.DEAD_LETTER, None)
    assert found.because.startswith("too_long")


def test_an_incomplete_last_line_is_held_back(place: Place) -> None:
    """M21: seen, not read."""
    place.write(LOG, goods(2) + b'{"torn')
    place.ingest(LOG)

    found = told(place, 3)

    assert (found.fate, found.byte_offset) == (Fate.HELD_BACK, len(goods(2)))
    assert found.because.startswith("its 6 bytes have no newline yet")


@pytest.mark.parametrize("line_no", [60, 61, 10**30])
def test_a_line_that_was_not_read_yet_is_told(filled: Place, line_no: int) -> None:
    """How far the store has come is said."""
    found = told(filled, line_no)

    assert found.fate is Fate.NOT_INGESTED
    assert f"(byte {len(CONTENT)})" in found.because


@pytest.mark.parametrize("table", ["event_rows", "fillers", "dead_letter_rows"])
def test_a_line_whose_row_is_gone_is_not_called_blank(filled: Place, table: str) -> None:
    """A damaged store is told as that."""
    ((line_no,),) = filled.rows("SELECT min(line_no) FROM dead_letter_rows")
    filled.damage(f"DELETE FROM {table}")  # noqa: S608 - a table of ours

    fates = {number: told(filled, number).fate for number in range(1, line_no + 1)}

    expected = {"event_rows": 1, "fillers": 13, "dead_letter_rows": line_no}[table]
    assert fates[expected] is Fate.MISSING


@pytest.mark.parametrize(
    ("ending", "fate"),
    [
        (good(2)[:-1], Fate.EVENT),
        (b'{"torn', Fate.DEAD_LETTER),
        (b"x" * 1_500, Fate.DEAD_LETTER),
    ],
    ids=["event", "torn", "too long"],
)
def test_the_last_line_of_a_finished_log_is_told(place: Place, ending: bytes, fate: Fate) -> None:
    """M23: a line without newline that was read with --final has its number too."""
    place.write(LOG, goods(2) + ending)
    place.ingest(LOG, options=replace(OPTIONS, is_final=True))

    assert told(place, 3).fate is fate
    assert told(place, 4).fate is Fate.NOT_INGESTED


def test_a_line_behind_a_run_of_nuls_is_told(place: Place) -> None:
    """M35: its batch begins inside the line."""
    place.write(LOG, goods(1) + b"\0" * 5_000 + goods(2, 1))
    place.ingest(LOG)

    assert [told(place, number).fate for number in (1, 2, 3)] == [Fate.EVENT] * 3


def test_a_recovered_line_is_told_as_the_event_it_is(filled: Place) -> None:
    """The dead letter that it was does not stand in front."""
    filled.damage(
        "UPDATE dead_letter_rows SET state = 'recovered' WHERE line_no = 15",
        "INSERT INTO event_rows (id, batch_id, line_no, kind_id, raw, sha256, flags) "
        "SELECT id, batch_id, line_no, 1, raw, sha256, 0 FROM dead_letter_rows WHERE line_no = 15",
    )

    assert told(filled, 15).fate is Fate.EVENT


def test_the_newest_segment_of_a_path_is_told(filled: Place) -> None:
    """After a replacement the line is one of the file that is there now."""
    filled.write(LOG, goods(4, 100))
    filled.ingest(LOG)

    assert told(filled, 2).raw == good(101)[:-1]


def test_a_file_that_is_not_in_the_store_is_wrong_usage(filled: Place) -> None:
    """The store cannot know what it never read."""
    with pytest.raises(UsageError, match="this file is not in the store"):
        told(filled, 1, "other.jsonl")


def test_lines_are_counted_from_one(filled: Place) -> None:
    """There is no line 0."""
    with pytest.raises(UsageError, match="lines are counted from 1"):
        told(filled, 0)
