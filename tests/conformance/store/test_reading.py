"""The reading side: one snapshot, never blocked, never writing, always ending."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import pytest

from evidentia.errors import StoreError
from evidentia.event.values import position_of
from evidentia.pack.contract import NamedQuery
from evidentia.store import reader as store_reader
from evidentia.store.dead_letters import Retry
from evidentia.store.evidence import stored_bytes
from evidentia.store.reader import StoreReader
from evidentia.store.values import EventFilter, FillerKind, Segment, SqlValue

from .scene import LINE, SPAN, Scene, dead_letter, event, filler, finding, gap, lines, query

EVENTS_COLUMNS = [
    "id",
    "batch_id",
    "log_path",
    "pack",
    "line_no",
    "byte_offset",
    "event_id",
    "ts",
    "ts_text",
    "kind",
    "actor",
    "session_id",
    "payload_json",
    "raw_json",
    "sha256",
    "flags",
    "port",
    "role",
]


def _count_to(number: int) -> NamedQuery:
    numbers = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {})"
    return query(numbers.format(number) + " SELECT count(*) AS n FROM c")  # noqa: S608 - a number of this test


def test_a_reader_sees_one_snapshot(scene: Scene) -> None:
    """IN-29: what is committed meanwhile stays unseen, also by a reader that has not read yet."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        with scene.store.reader() as reader, scene.store.reader() as fresh:
            before = reader.counts()

            writer.commit_batch(lines(segment, 6, 9, gaps=[gap(segment, 555)]))

            assert reader.counts() == fresh.counts() == before
            assert fresh.segments()[0].checkpoint == 5 * LINE
            assert len(list(reader.batches())) == 1

    assert scene.current(segment).checkpoint == 9 * LINE


def test_a_reader_is_not_blocked_by_a_commit(scene: Scene) -> None:
    """IN-29: in the middle of a transaction, readers open and read what was committed before."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]
        seen: list[int] = []

        class Rows(list[tuple[SqlValue, ...]]):
            def __iter__(self) -> Iterator[tuple[SqlValue, ...]]:
                for row in super().__iter__():
                    yield row
                    with scene.store.reader() as reader:
                        seen.append(reader.counts().events)

        writer.commit_batch(
            lines(segment, 6, 7, events=Rows([event(segment, 6, kind), event(segment, 7, kind)]))
        )

    assert seen == [3, 3]
    assert len(scene.events(segment)) == 5


def test_a_half_read_listing_does_not_block_a_writer(scene: Scene) -> None:
    """IN-29: a reader that takes its time holds nobody up."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        with scene.store.reader() as reader:
            events = reader.events(segment.id, SPAN)
            first = next(events)

            writer.commit_batch(lines(segment, 6, 9))

            assert [first.line_no, *(row.line_no for row in events)] == [1, 2, 3]


LISTINGS: dict[str, Callable[[StoreReader, int], Iterator[object]]] = {
    "batches": lambda reader, _: reader.batches(),
    "events": lambda reader, segment_id: reader.events(segment_id, SPAN),
    "dead_letters": lambda reader, segment_id: reader.dead_letters(segment_id, SPAN),
    "fillers": lambda reader, segment_id: reader.fillers(segment_id, SPAN),
    "findings": lambda reader, segment_id: reader.findings(segment_id, SPAN),
    "list_events": lambda reader, _: reader.list_events(EventFilter()),
}


@pytest.fixture
def many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Segment:
    """More rows of each listing than are fetched at once."""
    monkeypatch.setattr(store_reader, "_FETCH_ROWS", 2)
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        for line in range(1, 6):
            writer.commit_batch(
                lines(
                    segment,
                    line,
                    line,
                    events=[event(segment, line, kind)],
                    dead_letters=[dead_letter(segment, line)],
                    fillers=[filler(segment, line, FillerKind.NUL)],
                    findings=[finding(segment, line)],
                )
            )
    return segment


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_a_listing_outlives_its_first_chunk(scene: Scene, many: Segment, name: str) -> None:
    """Every row of a long listing comes, though only a part is held in memory."""
    with scene.store.reader() as reader:
        count = sum(1 for _ in LISTINGS[name](reader, many.id))

    assert count == 5


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_a_listing_ends_with_its_reader(scene: Scene, many: Segment, name: str) -> None:
    """A listing kept past its reader says so, instead of a driver's error or silence."""
    with scene.store.reader() as reader:
        listing = LISTINGS[name](reader, many.id)
        next(listing)

    with pytest.raises(StoreError, match="the store was closed"):
        list(listing)


@pytest.mark.parametrize("name", sorted(LISTINGS))
def test_a_listing_does_not_begin_after_its_reader(scene: Scene, name: str) -> None:
    """One that was asked for but not begun in time says the same."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
    with scene.store.reader() as reader:
        listing = LISTINGS[name](reader, segment.id)

    with pytest.raises(StoreError, match="the store was closed"):
        next(listing)


def test_a_closed_reader_or_writer_says_so(scene: Scene) -> None:
    """Using either side after its block is our error, not the driver's."""
    with scene.writer() as writer:
        scene.fill(writer)
    with scene.store.reader() as reader:
        pass

    with pytest.raises(StoreError, match="the store was closed"):
        reader.counts()
    with pytest.raises(StoreError, match="the store was closed"):
        writer.renew()


def test_events_are_listed_with_their_public_columns(scene: Scene) -> None:
    """The relation's columns, their order and form are a promise to every query."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 2)

    with scene.store.reader() as reader:
        first, second = reader.list_events(EventFilter())
        result = reader.run_query(query("SELECT * FROM events ORDER BY id"), {})

    assert list(first) == list(result.columns) == EVENTS_COLUMNS
    assert result.rows == (tuple(first.values()), tuple(second.values()))
    row = event(segment, 2, 1)
    assert second == {
        "id": position_of(segment.id, LINE),
        "batch_id": 1,
        "log_path": "/logs/a.jsonl",
        "pack": "demo",
        "line_no": 2,
        "byte_offset": LINE,
        "event_id": "e2",
        "ts": row[7],
        "ts_text": "as written",
        "kind": "login",
        "actor": "somebody",
        "session_id": "s0",
        "payload_json": "{}",
        "raw_json": bytes(row[3]).decode(),
        "sha256": bytes(row[4]).hex(),
        "flags": 0,
        "port": None,
        "role": None,
    }


def test_every_row_of_a_relation_knows_its_path(scene: Scene) -> None:
    """Path and byte offset follow from the position, at the start of a segment and far inside."""
    with scene.writer() as writer:
        one, two = scene.segment(writer, "/logs/1"), scene.segment(writer, "/logs/2")
        kind = writer.kind_ids(["login"])["login"]
        far = position_of(one.id, 2**40 - 1)
        rows = [event(one, 1, kind), event(one, 2, kind), event(one, 3, kind, id=far)]
        writer.commit_batch(
            lines(one, 1, 4, events=rows, dead_letters=[dead_letter(one, 4)], gaps=[gap(one, 7)])
        )
        writer.commit_batch(lines(two, 1, 1, events=[event(two, 1, kind)]))

    with scene.store.reader() as reader:
        places = {
            name: reader.run_query(
                query(f"SELECT log_path, byte_offset FROM {name} ORDER BY id"),  # noqa: S608 - names of this test
                {},
            ).rows
            for name in ("events", "dead_letters", "gaps")
        }

    assert places == {
        "events": (
            ("/logs/1", 0),
            ("/logs/1", LINE),
            ("/logs/1", 2**40 - 1),
            ("/logs/2", 0),
        ),
        "dead_letters": (("/logs/1", 3 * LINE),),
        "gaps": (("/logs/1", 7),),
    }


def test_the_other_relations_have_their_public_columns(scene: Scene) -> None:
    """dead_letters, gaps and ingest_state are documented with these names."""
    with scene.writer() as writer:
        scene.fill(writer)

    with scene.store.reader() as reader:
        columns = {
            name: reader.run_query(query(f"SELECT * FROM {name}"), {}).columns  # noqa: S608 - names of this test
            for name in ("dead_letters", "gaps", "ingest_state")
        }
        state = reader.run_query(query("SELECT * FROM ingest_state"), {}).rows

    assert columns == {
        "dead_letters": (
            "id",
            "batch_id",
            "log_path",
            "line_no",
            "byte_offset",
            "reason",
            "column_no",
            "detail",
            "raw",
            "length",
            "has_newline",
            "sha256",
            "attempts",
            "state",
            "resolution",
            "resolved_by",
            "resolved_us",
        ),
        "gaps": (
            "id",
            "log_path",
            "segment_id",
            "byte_offset",
            "kind",
            "detail",
            "evidence",
            "found_us",
        ),
        "ingest_state": (
            "log_path",
            "segment_id",
            "last_size",
            "last_mtime",
            "byte_checkpoint",
            "state",
        ),
    }
    assert state == (("/logs/a.jsonl", 1, 0, 0, 5 * LINE, "live"),)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), [1, 2, 3, 4, 5, 6]),
        (EventFilter(kind="logout"), [4]),
        (EventFilter(kind="absent"), []),
        (EventFilter(session_id="s1"), [3, 4, 5]),
        (EventFilter(actor="root"), [2]),
        (EventFilter(event_id="e5"), [5]),
        (EventFilter(log_path="/logs/b"), [6]),
        (EventFilter(log_path="/logs/a"), [1, 2, 3, 4, 5]),
        (EventFilter(log_path="/logs"), []),
        (EventFilter(since_us=1_600_000_003_000_000), [3, 4, 5, 6]),
        (EventFilter(until_us=1_600_000_003_000_000), [1, 2]),
        (EventFilter(since_us=1_600_000_002_000_000, until_us=1_600_000_004_000_000), [2, 3]),
        (EventFilter(after_id=position_of(1, 3 * LINE)), [5, 6]),
        (EventFilter(limit=2), [1, 2]),
        (EventFilter(limit=0), []),
        (EventFilter(log_path="/logs/a", after_id=position_of(1, 0), limit=2), [2, 3]),
        (EventFilter(kind="login", session_id="s1", actor="somebody", limit=1), [3]),
    ],
)
def test_events_are_filtered(scene: Scene, wanted: EventFilter, found: list[int]) -> None:
    """Each filter and their combinations, in order of position."""
    with scene.writer() as writer:
        one, two = scene.segment(writer, "/logs/a"), scene.segment(writer, "/logs/b")
        kinds = writer.kind_ids(["login", "logout"])
        rows = [
            event(
                one,
                line,
                kinds["logout" if line == 4 else "login"],
                actor="root" if line == 2 else "somebody",
            )
            for line in range(1, 6)
        ]
        writer.commit_batch(lines(one, 1, 5, events=rows))
        moved = position_of(two.id, 0)
        writer.commit_batch(lines(two, 1, 1, events=[event(two, 6, kinds["login"], id=moved)]))

    with scene.store.reader() as reader:
        listed = [row["line_no"] for row in reader.list_events(wanted)]

    assert listed == found


def test_a_listing_by_path_goes_through_every_segment_of_it(scene: Scene) -> None:
    """A path has a segment per truncation; the limit counts over all of them."""
    with scene.writer() as writer:
        kind = writer.kind_ids(["login"])["login"]
        for _ in range(3):
            segment = scene.segment(writer, "/logs/a")
            rows = [event(segment, 1, kind), event(segment, 2, kind)]
            writer.commit_batch(lines(segment, 1, 2, events=rows))

    with scene.store.reader() as reader:
        every = list(reader.list_events(EventFilter(log_path="/logs/a")))
        some = list(reader.list_events(EventFilter(log_path="/logs/a", limit=3)))

    assert [row["id"] for row in every] == sorted(row["id"] for row in every)
    assert (len(every), some) == (6, every[:3])


def test_a_period_is_counted_for_one_pack(scene: Scene) -> None:
    """What a report stands on: events in and without a time, open dead letters and gaps."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        times = (10, 20, 30, None)
        rows = [event(segment, line, kind, ts=ts) for line, ts in enumerate(times, start=1)]
        letters = [dead_letter(segment, 5), dead_letter(segment, 6)]
        writer.commit_batch(
            lines(segment, 1, 6, events=rows, dead_letters=letters, gaps=[gap(segment)])
        )
        writer.resolve_dead_letter(letters[0].position, "seen")

    with scene.store.reader() as reader:
        ours = reader.period_counts("demo", 10, 30)
        theirs = reader.period_counts("other", 10, 30)
        newest = (reader.latest_us("demo"), reader.latest_us("other"))

    assert dataclasses.astuple(ours) == (2, 1, 1, 1)
    assert dataclasses.astuple(theirs) == (0, 0, 0, 0)
    assert newest == (30, None)


def test_three_spellings_of_an_instant_are_one_time(scene: Scene) -> None:
    """SC-02: times are integers, so spellings with Z, offset or none are equal."""
    instant = 1_600_000_000_000_000
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        rows = [
            event(segment, line, kind, ts=instant, ts_text=text)
            for line, text in enumerate(("..Z", "..+00:00", "1600000000"), start=1)
        ]
        writer.commit_batch(lines(segment, 1, 3, events=rows))

    with scene.store.reader() as reader:
        found = list(reader.list_events(EventFilter(since_us=instant, until_us=instant + 1)))

    assert len(found) == 3


@pytest.mark.parametrize("span", [(0, LINE), (LINE, 2 * LINE), (0, 0), (LINE + 1, 2 * LINE)])
def test_a_range_is_half_open(scene: Scene, span: tuple[int, int]) -> None:
    """A span's first byte belongs to it, its end does not."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)

    with scene.store.reader() as reader:
        found = [row.line_no for row in reader.events(segment.id, span)]

    assert found == [n for n in (1, 2, 3) if span[0] <= (n - 1) * LINE < span[1]]


def test_a_segments_bytes_can_be_put_together_again(scene: Scene) -> None:
    """Invariant 3: events, dead letters and fillers give every byte back, in order, once."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        long = dead_letter(segment, 3, raw=None)
        torn = dead_letter(segment, 6, raw=b"x" * LINE, has_newline=False)
        rows = [event(segment, 1, kind), event(segment, 7, kind, raw=b"y" * LINE, flags=1)]
        writer.commit_batch(
            lines(
                segment,
                1,
                7,
                events=rows,
                dead_letters=[dead_letter(segment, 2), long, torn],
                fillers=[filler(segment, 4), filler(segment, 5, FillerKind.NUL)],
            )
        )

    with scene.store.reader() as reader:
        parts = list(stored_bytes(reader, segment.id, SPAN))

    assert [part.byte_offset for part in parts] == [n * LINE for n in range(7)]
    assert {part.length for part in parts} == {LINE}
    assert [part.data for part in parts] == [
        bytes(rows[0][3]) + b"\n",
        b"no event".ljust(LINE - 1) + b"\n",
        None,
        b"\n" * LINE,
        bytes(LINE),
        b"x" * LINE,
        b"y" * LINE,
    ]
    assert parts[2].sha256 == long.sha256


def test_a_recovered_dead_letter_is_not_put_together_twice(scene: Scene) -> None:
    """The event that stands at its position gives the bytes; a huge NUL run comes in pieces."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        letter = dead_letter(segment, 1)
        run = filler(segment, 2, FillerKind.NUL)
        writer.commit_batch(lines(segment, 1, 2, dead_letters=[letter], fillers=[run]))
        kind = writer.kind_ids(["login"])["login"]
        writer.retry_dead_letter(letter.position, Retry(event=event(segment, 1, kind)))

    with scene.store.reader() as reader:
        parts = list(stored_bytes(reader, segment.id, SPAN))

    assert [(part.byte_offset, part.length) for part in parts] == [(0, LINE), (LINE, LINE)]


def test_a_long_nul_run_comes_in_pieces(scene: Scene) -> None:
    """Invariant 12: memory does not grow with a run of NULs."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        run = dataclasses.replace(filler(segment, 1, FillerKind.NUL), length=2_500_000)
        write = dataclasses.replace(lines(segment, 1, 1, fillers=[run]), byte_end=2_500_000)
        writer.commit_batch(write)

    with scene.store.reader() as reader:
        parts = list(stored_bytes(reader, segment.id, SPAN))

    assert [part.byte_offset for part in parts] == [0, 2**20, 2 * 2**20]
    assert sum(part.length for part in parts) == 2_500_000


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO kinds (name) VALUES ('x')",
        "UPDATE segments SET checkpoint = 0",
        "DELETE FROM lease",
        "DROP VIEW events",
        "CREATE TABLE t (x INTEGER)",
        "WITH x AS (SELECT 1) INSERT INTO kinds (name) SELECT 'x' FROM x",
    ],
)
def test_a_query_cannot_write(scene: Scene, sql: str) -> None:
    """Invariant 6: a statement that is not a SELECT is refused by the engine, whoever wrote it."""
    with scene.writer() as writer:
        scene.fill(writer)
    before = scene.adapter.dump()

    with scene.store.reader() as reader, pytest.raises(StoreError, match="other than read"):
        reader.run_query(query(sql), {})

    assert scene.adapter.dump() == before


def test_a_statement_without_rows_is_no_query(scene: Scene) -> None:
    """Ending the snapshot is not a question either."""
    with scene.writer() as writer:
        scene.fill(writer)

    with scene.store.reader() as reader, pytest.raises(StoreError, match="gives no rows"):
        reader.run_query(query("ROLLBACK"), {})


def test_a_query_binds_its_values(scene: Scene) -> None:
    """Invariant 6: values are bound, and what looks like a parameter inside a text is text."""
    with scene.store_with_reader() as reader:
        result = reader.run_query(
            query("SELECT :a AS one, ':b' AS two, :a || ':c' AS three /* :d */"), {"a": "x'; --"}
        )

    assert result.columns == ("one", "two", "three")
    assert result.rows == (("x'; --", ":b", "x'; --:c"),)


@pytest.mark.parametrize("values", [{}, {"a": 2**63}, {"a": "\udcff"}])
def test_a_query_with_bad_values_is_refused_as_our_error(
    scene: Scene, values: dict[str, SqlValue]
) -> None:
    """A missing value, a huge integer or undecodable text never leaks a driver's error."""
    with scene.store_with_reader() as reader, pytest.raises(StoreError):
        reader.run_query(query("SELECT :a"), values)


def test_a_filter_that_does_not_fit_is_refused_as_our_error(scene: Scene) -> None:
    """What a person typed cannot leak a driver's error."""
    with scene.store_with_reader() as reader:
        with pytest.raises(StoreError, match="does not fit"):
            list(reader.list_events(EventFilter(after_id=2**64)))
        with pytest.raises(StoreError, match="does not fit"):
            list(reader.list_events(EventFilter(kind="\udcff")))


def test_a_broken_query_is_refused_where_it_is_run(scene: Scene) -> None:
    """The error is ours already inside the block that opened the reader."""
    with scene.store_with_reader() as reader:
        with pytest.raises(StoreError, match="no_such_table"):
            reader.run_query(query("SELECT * FROM no_such_table"), {})
        with pytest.raises(StoreError, match="lacks a column") as caught:
            reader.run_query(query("SELECT no_such_column FROM events"), {})

        assert caught.value.fix is not None
        assert reader.counts().batches == 0


def test_a_query_is_stopped_by_its_time_limit(scene: Scene) -> None:
    """A runaway query ends with an error that names the limit; the reader goes on."""
    looks = itertools.count()
    endless = _count_to(10**12)
    with scene.store_with_reader() as reader:
        with pytest.raises(StoreError, match="took longer than its time limit"):
            reader.run_query(endless, {}, lambda: next(looks) > 3)

        long_enough = _count_to(100_000)
        assert reader.run_query(long_enough, {}).rows == ((100_000,),)
        assert reader.counts().batches == 0


def test_a_query_within_its_limit_is_left_alone(scene: Scene) -> None:
    """A limit that is not reached changes nothing."""
    some = _count_to(100_000)
    with scene.store_with_reader() as reader:
        result = reader.run_query(some, {}, lambda: False)

    assert (result.columns, result.rows) == (("n",), ((100_000,),))


def test_a_whole_store_has_no_problems(scene: Scene) -> None:
    """Neither the engine's own check nor our look at triggers and indexes finds anything."""
    with scene.writer() as writer:
        scene.fill(writer)

    with scene.store.reader() as reader:
        assert (reader.integrity_problems(), reader.notices()) == ((), ())
