"""Where every log stands."""

from __future__ import annotations

import gzip

from tests.unit.ingest.kit import Place, goods

from evidentia.audit.status import StoreStatus, status

from .conftest import LOG


def standing(place: Place) -> StoreStatus:
    """Where the store stands."""
    with place.store.reader() as reader:
        return status(reader)


def test_what_is_stored_held_back_and_unread_is_told(place: Place) -> None:
    """Lag is what the file has behind the checkpoint, the torn line included."""
    place.write(LOG, goods(3) + b"[1]\n" + b'{"torn')
    place.ingest(LOG)
    place.append(LOG, b'":1}\n' + goods(1, 3))

    found = standing(place)

    (segment,) = found.segments
    assert (segment.events, segment.dead_letters, segment.segment.tail_bytes) == (3, 1, 6)
    assert segment.lag_bytes == 6 + 5 + len(goods(1, 3))
    assert segment.size == (place.folder / LOG).stat().st_size
    assert segment.last_commit_us is not None
    assert found.dead_letter_groups == (("not_object", "open", 1),)
    assert (found.counts.events, found.gaps, found.holder) == (3, (), None)


def test_the_lag_of_an_archive_is_not_guessed(place: Place) -> None:
    """It could only be told by decompressing."""
    place.write("a.gz", gzip.compress(goods(3)))
    place.ingest("a.gz")

    (segment,) = standing(place).segments

    assert (segment.lag_bytes, segment.events) == (None, 3)
    assert segment.size == (place.folder / "a.gz").stat().st_size


def test_a_file_that_is_gone_has_no_size(place: Place) -> None:
    """M17: its rows stay, and status says that it is not there."""
    path = place.write(LOG, goods(3))
    place.ingest(LOG)
    path.unlink()

    (segment,) = standing(place).segments

    assert (segment.size, segment.lag_bytes, segment.events) == (None, None, 3)


def test_a_replaced_segment_is_not_measured_by_its_successor(place: Place) -> None:
    """IN-03: the rows of the old content stay, and its file is the new one's."""
    place.write(LOG, goods(3) + b'{"torn')
    place.ingest(LOG)
    place.write(LOG, goods(2, 9))
    place.ingest(LOG)

    found = standing(place)

    old, new = found.segments
    assert (old.size, old.lag_bytes, old.events) == (None, None, 3)
    assert (new.size, new.lag_bytes, new.events) == (len(goods(2, 9)), 0, 2)
    assert [gap.kind for gap in found.gaps] == [
        "copytruncate_window",
        "unread_replaced",
    ]


def test_a_log_without_a_complete_line_is_no_segment_yet(place: Place) -> None:
    """Nothing but a torn line was seen."""
    place.write(LOG, b'{"torn')
    place.ingest(LOG)

    assert standing(place).segments == ()


def test_who_holds_the_store_is_told(place: Place) -> None:
    """A run in progress shows."""
    place.write(LOG, goods(3))
    place.ingest(LOG)

    with place.workspace.writer("recover"):
        holder = standing(place).holder

    assert holder is not None
    assert (holder.owner.command, holder.is_alive) == ("recover", True)
