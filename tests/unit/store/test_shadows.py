"""A question finds its summaries right, wherever their tables stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ingest.kit import Place
from tests.unit.report.kit import DAY, cowrie_line, cowrie_place

from evidentia.errors import StoreError
from evidentia.ingest.values import Watch
from evidentia.pack.contract import Pack
from evidentia.packs.cowrie import PACK
from evidentia.packs.cowrie.summaries import HOURLY
from evidentia.packs.world import PACK as WORLD
from evidentia.report.periodic import Period, Report, make_report
from evidentia.store.scope import AsOf, Scope
from evidentia.store.values import QueryResult

SESSION = next(query for query in PACK.queries if query.name == "session")
TABLES = tuple(summary.name for summary in PACK.summaries)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Three batches of a day."""
    found = cowrie_place(tmp_path)
    found.write("a.json", b"")
    for hour in range(3):
        found.append("a.json", b"".join(lines_of(hour)))
        found.ingest("a.json", pack="cowrie")
    return found


def lines_of(hour: int) -> list[bytes]:
    """What happens in an hour."""
    minute = hour * 60
    return [
        cowrie_line("session.connect", minute, session=f"s{hour}", src_ip=f"192.0.2.{hour}"),
        cowrie_line("login.failed", minute + 1, session="s0", username="root"),
        cowrie_line("command.input", minute + 2, session=f"s{hour}", input="id", sensor="south"),
        cowrie_line("session.file_download", minute + 3, session="s0", url="http://203.0.113.5/x"),
    ]


def report(place: Place, within: Scope | None = None, pack: Pack = PACK) -> Report:
    """The report on the day."""
    with place.store.reader() as reader:
        return make_report(reader, pack, Period.DAILY, DAY, within or Scope())


def rows(found: Report) -> list[tuple[Any, ...]]:
    """What it says."""
    return [section.answer.rows for section in found.sections]


def session(place: Place, within: Scope, *, has_pack: bool = True) -> QueryResult:
    """One session, looked up by its id."""
    with place.store.reader() as reader:
        packs = (PACK,) if has_pack else ()
        return reader.run_query(SESSION, {"session_id": "s0"}, within=within, packs=packs)


def moment(place: Place, batch_id: int) -> Scope:
    """As of a batch."""
    with place.store.reader() as reader:
        return Scope(as_of=reader.as_of(batch_id=batch_id))


def test_live_tables_are_read_as_they_are(place: Place) -> None:
    """Nothing is computed where they hold every batch: an edit of a table is seen in the report."""
    place.damage("UPDATE hourly_v1 SET events = events + 100 WHERE kind = 'cowrie.login.failed'")

    found = report(place)

    assert found.computed == {}
    assert found.sections[0].answer.rows[0][2] == 3 + 300


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE projections SET state = 'halted', detail = 'a sum' WHERE name = '{}'", "a sum"),
        ("UPDATE projections SET batch_id = 1 WHERE name = '{}'", "batch 1 of 3"),
        ("UPDATE projections SET declaration = '' WHERE name = '{}'", "declares it otherwise"),
        ("DELETE FROM projections WHERE name = '{}'", "does not have it yet"),
    ],
)
def test_a_report_is_right_without_a_table_and_says_so(
    place: Place, name: str, change: str, reason: str
) -> None:
    """Halted, behind, declared otherwise or not made: it is computed from the events."""
    wanted = rows(report(place))
    place.damage(change.format(name), f"DELETE FROM {name}_v1")  # noqa: S608 - a table of ours

    found = report(place)

    assert rows(found) == wanted
    assert set(found.computed) == {name}
    assert reason in found.computed[name]


def test_a_summary_that_a_newer_pack_brings_is_computed_until_somebody_writes(
    place: Place,
) -> None:
    """A reader makes no tables, and a query that names one is answered nevertheless."""
    wider = replace(HOURLY, version=HOURLY.version + 1)
    newer = replace(
        PACK, summaries=tuple(wider if each is HOURLY else each for each in PACK.summaries)
    )

    assert rows(report(place, pack=newer)) == rows(report(place))
    assert set(report(place, pack=newer).computed) == {"hourly"}


def test_the_newest_batch_by_its_number_is_read_from_the_tables(place: Place) -> None:
    """The present is not computed from the events, however it is named."""
    place.damage("UPDATE sessions_v1 SET event_count = 77 WHERE session_id = 's0'")

    assert all(77 in row for row in session(place, moment(place, 3)).rows)
    assert all(77 not in row for row in session(place, moment(place, 2)).rows)


@pytest.mark.parametrize("batch_id", [0, 1, 2])
def test_a_session_as_of_a_batch_is_what_it_was_then(
    place: Place, tmp_path: Path, batch_id: int
) -> None:
    """Its counts, times and score."""
    other = tmp_path / "other"
    other.mkdir()
    early = cowrie_place(other)
    early.write("a.json", b"".join(line for hour in range(batch_id) for line in lines_of(hour)))
    early.ingest("a.json", pack="cowrie")
    before = Scope(as_of=AsOf(batch_id=0, committed_us=0))

    found = session(place, moment(place, batch_id) if batch_id else before)

    assert found.rows == session(early, Scope()).rows
    assert found.computed == ()


def test_an_event_that_a_retry_gave_later_is_not_in_an_earlier_moment(tmp_path: Path) -> None:
    """It joins an old batch, so the tables hold more than that batch did."""
    place = cowrie_place(tmp_path)
    place.write("a.json", cowrie_line("session.connect") + b'{"eventid":"x","a":1,"a":2}\n')
    place.ingest("a.json", pack="cowrie")
    before = report(place, moment(place, 1))
    with place.store.reader() as reader:
        letter = next(iter(reader.list_dead_letters(state=None, reason=None, limit=1)))
    place.damage(
        "UPDATE dead_letter_rows SET state = 'recovered', resolved_us = 9000000000000000",
        "UPDATE hourly_v1 SET events = 5",
    )

    assert letter.state == "open"
    assert rows(report(place, moment(place, 1))) == rows(before)


def test_a_summary_of_an_unknown_pack_is_not_shown_as_of_an_earlier_batch(place: Place) -> None:
    """Better no answer than that of another moment."""
    with pytest.raises(StoreError, match="sessions holds the present"):
        session(place, moment(place, 1), has_pack=False)


def test_a_run_tells_which_summary_is_made_of_stored_events(tmp_path: Path) -> None:
    """A first rebuild over a large store is no silent wait."""
    bare = replace(PACK, summaries=())
    before = Place(folder=tmp_path, packs={"cowrie": bare})
    before.write("a.json", b"".join(lines_of(0)))
    before.ingest("a.json", pack="cowrie")
    told: list[tuple[str, int, int]] = []

    after = Place(folder=tmp_path, packs={"cowrie": PACK})
    watch = Watch(clock=lambda: 0.0, on_merge=lambda *what: told.append(what))
    after.ingest("a.json", pack="cowrie", watch=watch)

    assert told == [(name, 1, 1) for name in TABLES]
    assert report(after).computed == {}


@pytest.mark.parametrize("is_halted", [True, False])
def test_different_values_are_read_from_their_table_or_not_at_all(
    tmp_path: Path, *, is_halted: bool
) -> None:
    """No statement computes them: a halted table is refused, with its reason and what helps."""
    place = Place(folder=tmp_path, packs={"world": WORLD})
    place.write("a.json", b'{"kind":"look","room":"meadow","actor":"a"}\n')
    place.ingest("a.json", pack="world")
    query = replace(SESSION, name="r", parameters=(), sql="SELECT actor_count FROM rooms")
    if is_halted:
        place.damage("UPDATE projections SET state = 'halted', detail = 'a sum'")

    with place.store.reader() as reader:
        if is_halted:
            with pytest.raises(StoreError, match="rooms cannot be read, for it is halted: a sum"):
                reader.run_query(query, {}, packs=(WORLD,))
        else:
            assert reader.run_query(query, {}, packs=(WORLD,)).rows == ((1,),)
