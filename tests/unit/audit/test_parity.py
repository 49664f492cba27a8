"""Event-set parity: exact by id and bytes, in memory that does not grow with the log."""

from __future__ import annotations

import hashlib
import json
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidentia.audit import parity
from evidentia.audit.catch_up import CatchUp
from evidentia.audit.parity import log_parity
from evidentia.audit.places import ledger_source
from evidentia.audit.values import EventMismatch, EventSetParity
from evidentia.errors import LedgerMissingError
from evidentia.event.envelope import DECODER
from evidentia.event.values import position_of
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.log.discovery import look_at
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.values import Compression, Limits
from evidentia.store.lines import EventLine
from evidentia.store.values import Segment, SegmentState

from .mirror_kit import EDIT, PACKS, Mirror, drafts

SEGMENT = "00000000000000000000.jsonl"


def line_of(number: int, text: str = "") -> bytes:
    """A line with an id, as any log might have it."""
    return json.dumps({"id": f"e{number}", "event_type": "t", "text": text}).encode() + b"\n"


def a_log(folder: Path, content: bytes) -> Mirror:
    """A folder with one segment of these bytes, and a store that has read it."""
    made = Mirror(folder=folder)
    made.ledger_folder.mkdir()
    put(made, content)
    with made.writer() as writer:
        made.catch_up(writer).run()
    return made


def put(made: Mirror, content: bytes) -> None:
    """Let the segment hold other bytes, in the same file."""
    (made.ledger_folder / SEGMENT).write_bytes(content)


def test_equal_sides_are_consistent(both: Mirror) -> None:
    """Counts of both sides, and three empty lists."""
    assert both.parity() == EventSetParity(
        jsonl_event_count=4,
        sqlite_event_count=4,
        missing_in_sqlite=(),
        missing_in_jsonl=(),
        mismatched=(),
        duplicate_ids=(),
        missing_in_sqlite_count=0,
        missing_in_jsonl_count=0,
        mismatched_count=0,
    )
    assert both.parity().is_consistent


def test_an_empty_store_lacks_everything(both: Mirror, mirror: Mirror) -> None:
    """A store that never read the ledger holds nothing of it."""
    both.store.path.unlink()
    mirror.store.create()

    found = mirror.parity()

    assert (found.jsonl_event_count, found.sqlite_event_count) == (4, 0)
    assert found.missing_in_sqlite[1:] == ("evt-0", "evt-1", "evt-2")
    assert not found.is_consistent


def test_without_a_ledger_there_is_no_parity(mirror: Mirror) -> None:
    """Nothing to compare is an error, and no empty agreement."""
    (mirror.ledger_folder / SEGMENT).unlink()
    mirror.store.create()

    with pytest.raises(LedgerMissingError):
        mirror.parity()


def test_a_store_behind_lacks_the_last_events(both: Mirror) -> None:
    """What a crash between ledger and store leaves."""
    both.append(*drafts(7, 2))

    found = both.parity()

    assert (found.missing_in_sqlite, found.missing_in_sqlite_count) == (("evt-7", "evt-8"), 2)
    assert (found.missing_in_jsonl, found.mismatched, found.is_consistent) == ((), (), False)


def test_a_lost_row_is_missing_in_the_store(both: Mirror) -> None:
    """Out of the middle as well as at the end."""
    both.tamper("DELETE FROM event_rows WHERE event_id = 'evt-1'")

    assert both.parity().missing_in_sqlite == ("evt-1",)


def test_a_line_taken_out_is_one_missing_event(both: Mirror) -> None:
    """Every later place is another, and yet only one event is missing."""
    path = both.ledger_folder / SEGMENT
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))

    found = both.parity()

    assert (found.missing_in_jsonl, found.missing_in_sqlite, found.mismatched) == (
        ("evt-0",),
        (),
        (),
    )


def test_an_edited_row_is_named_with_both_hashes(both: Mirror) -> None:
    """The hashes are those that the events carry: one edited by hand still claims its own."""
    wanted = DECODER.decode(both.lines()[-1].raw).event_hash
    both.tamper(EDIT)

    (found,) = both.parity().mismatched

    assert found == EventMismatch(id="evt-2", jsonl_event_hash=wanted, sqlite_event_hash=wanted)


def test_without_a_hash_of_its_own_an_event_is_named_by_its_bytes(tmp_path: Path) -> None:
    """SHA-256 of the line, as sha256sum prints it."""
    made = a_log(tmp_path, line_of(1) + line_of(2))
    put(made, line_of(1) + line_of(2, "x"))

    (found,) = made.parity().mismatched

    assert found.id == "e2"
    assert found.jsonl_event_hash == hashlib.sha256(line_of(2, "x")[:-1]).hexdigest()
    assert found.sqlite_event_hash == hashlib.sha256(line_of(2)[:-1]).hexdigest()


def test_reordered_lines_are_no_difference_of_sets(tmp_path: Path) -> None:
    """Order is for the chain to check; here only ids and bytes count."""
    made = a_log(tmp_path, b"".join(line_of(number) for number in range(9)))
    put(made, b"".join(line_of(number) for number in reversed(range(9))))

    assert made.parity().is_consistent


def test_a_segment_of_the_store_without_a_file_is_missing_in_the_ledger(both: Mirror) -> None:
    """A ledger that was put back without its last file: the store still has those events."""
    both.tamper(
        "UPDATE segments SET path = replace(path, '.jsonl', 'x.jsonl'), inode = 0",
    )

    found = both.parity()

    assert (found.missing_in_jsonl_count, found.missing_in_sqlite_count) == (0, 0)
    (both.ledger_folder / SEGMENT).write_bytes(both.lines()[0].raw + b"\n")
    assert both.parity().missing_in_jsonl == ("evt-0", "evt-1", "evt-2")


def test_a_repeated_id_is_reported_wherever_its_second_line_is(tmp_path: Path) -> None:
    """In what was read, in what was not read yet, and there alone; with other content too."""
    made = a_log(tmp_path, line_of(1) + line_of(2) + line_of(1))
    stored = made.parity()
    put(made, (made.ledger_folder / SEGMENT).read_bytes() + line_of(2, "x") + line_of(5) * 2)
    unread = made.parity()

    assert (stored.duplicate_ids, stored.is_consistent) == (("e1",), False)
    assert sorted(unread.duplicate_ids) == ["e1", "e2", "e5"]
    assert unread.missing_in_sqlite == ("e5",)


def test_what_is_no_event_does_not_count(tmp_path: Path) -> None:
    """Dead letters, blank lines, a byte-order mark, NULs and a torn end are on neither side."""
    odd = b"\xef\xbb\xbf" + line_of(1) + b"no event\n\n \n" + line_of(2) + b"\0" * 9
    made = a_log(tmp_path, odd + line_of(3) + b"[1]\n" + b'{"id":"torn"')

    found = made.parity()

    assert (found.jsonl_event_count, found.sqlite_event_count) == (3, 3)
    assert found.is_consistent


def test_a_log_of_someone_else_is_compared_likewise(tmp_path: Path) -> None:
    """Ids may repeat there, and lines without an id are named by their place."""
    plain = b'{"event_type":"t","n":1}\n'
    made = a_log(tmp_path, line_of(1) + line_of(1) + plain)
    source = ledger_source(made.ledger_folder)
    with made.store.reader() as reader:
        equal = log_parity(reader, source, PACKS)
    put(made, line_of(1) + line_of(1) + plain.replace(b"1", b"2") + line_of(3))
    with made.store.reader() as reader:
        other = log_parity(reader, source, PACKS)

    assert (equal.jsonl_event_count, equal.is_consistent) == (3, True)
    assert other.missing_in_sqlite == ("e3",)
    assert [each.id for each in other.mismatched] == [
        f"{made.ledger_folder.resolve() / SEGMENT}, byte {2 * len(line_of(1))}"
    ]


class Rows:
    """A store's reading side over rows in memory: what a walk asks of one."""

    def __init__(self, content: bytes) -> None:
        places = accumulate((len(each) for each in content.splitlines(keepends=True)), initial=0)
        self._lines = [
            EventLine(position_of(1, place), raw, json.loads(raw)["id"])
            for place, raw in zip(places, content.splitlines(), strict=False)
        ]

    def event_lines(self, segment_id: int, _span: object) -> Iterator[EventLine]:
        """The rows of the one segment."""
        yield from self._lines if segment_id == 1 else ()

    def events_with_ids(self, event_ids: Sequence[str]) -> Iterator[EventLine]:
        """The rows with some ids."""
        return (each for each in self._lines if each.event_id in event_ids)

    def repeated_ids(self, _segment_ids: object, _limit: int) -> tuple[str, ...]:
        """No id is repeated in what is generated here."""
        return ()


EVENTS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["", "x"])), max_size=10, unique_by=lambda e: e[0]
)


@pytest.mark.parametrize("held_max", [2, 1_000])
@given(before=EVENTS, after=EVENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_lists_are_those_of_two_dictionaries(tmp_path: Path, held_max, before, after) -> None:
    """Whatever was stored and whatever the log holds now, as if both were held whole.

    Also where so little may be held that the sides are walked part by part.
    """
    path = tmp_path / SEGMENT
    path.write_bytes(b"".join(line_of(*each) for each in after))
    reader = Rows(b"".join(line_of(*each) for each in before))
    rows, lines = dict(before), dict(after)

    found = compare(reader, path, held_max)

    assert (found.jsonl_event_count, found.sqlite_event_count) == (len(lines), len(rows))
    assert set(found.missing_in_sqlite) == {f"e{each}" for each in lines.keys() - rows.keys()}
    assert set(found.missing_in_jsonl) == {f"e{each}" for each in rows.keys() - lines.keys()}
    assert {each.id for each in found.mismatched} == {
        f"e{each}" for each in lines.keys() & rows.keys() if lines[each] != rows[each]
    }
    assert found.duplicate_ids == ()


def compare(reader: Rows, path: Path, held_max: int) -> EventSetParity:
    """One file against one segment."""
    source = ledger_source(path.parent)
    segment = Segment(
        id=1,
        log_id=1,
        path=str(path),
        pack=source.pack,
        is_lenient=False,
        compression=Compression.NONE,
        device=0,
        inode=0,
        fingerprint=FingerprintBuilder().fingerprint(),
        checkpoint=0,
        next_line=1,
        state=SegmentState.LIVE,
        tail_bytes=0,
        last_size=0,
        last_mtime_us=0,
    )
    pair = parity._Pair(file=look_at(path, source), segment=segment, path=str(path))
    parser = LineParser(ParseSettings.of(PACKS[source.pack], is_lenient=False))
    return parity._Comparison(reader, [pair], parser, Limits(), has_unique_ids=True).parity(
        held_max
    )


def test_lists_are_cut_and_counts_are_not(tmp_path: Path) -> None:
    """A report of a million differences can be read."""
    made = a_log(tmp_path, b"".join(line_of(number) for number in range(1_500)))
    put(made, b"".join(line_of(number, "x") for number in range(1_400)))

    found = made.parity()

    assert (len(found.mismatched), found.mismatched_count) == (1_000, 1_400)
    assert (len(found.missing_in_jsonl), found.missing_in_jsonl_count) == (100, 100)


@pytest.mark.parametrize(("count", "behind"), [(200_000, 0), (20_000, 20_000)])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, count: int, behind: int) -> None:
    """200,000 events that are equal, or many that are missing, are compared in a few megabytes."""
    made = Mirror(folder=tmp_path)
    made.ledger_folder.mkdir()
    with (made.ledger_folder / SEGMENT).open("wb") as file:
        file.writelines(line_of(number, "x" * 200) for number in range(count))
    with made.writer() as writer:
        if not behind:
            CatchUp(writer, PACKS, made.ledger_folder, time.monotonic).run()
    tracemalloc.start()

    found = made.parity(held_max=2_000)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.jsonl_event_count, found.missing_in_sqlite_count) == (count, behind)
    assert peak < 12 * 1024 * 1024
