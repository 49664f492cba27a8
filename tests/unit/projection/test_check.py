"""A projection is compared with its events: what differs is named, and nothing else is."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.kit import PLAIN

from evidentia.app import Config, Workspace
from evidentia.audit.doctor import examine
from evidentia.errors import UsageError
from evidentia.ingest.values import IngestOptions, Watch
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.pack.summary import Key, Summary, count, first, greatest
from evidentia.projection.check import ProjectionCheck
from evidentia.projection.digest import canonical_row, table_digest
from evidentia.store.opening import Store

PEOPLE = Summary(
    name="people",
    version=1,
    title="People",
    keys=(Key(name="who", column="actor"),),
    measures=(count("events"), greatest("top", "level"), first("began_as", "kind_of_work")),
)
WORK = dataclasses.replace(
    PLAIN,
    fields=dataclasses.replace(
        PLAIN.fields,
        promoted=(
            *PLAIN.fields.promoted,
            dataclasses.replace(PLAIN.fields.promoted[0], name="kind_of_work", sources=("work",)),
        ),
    ),
    summaries=(PEOPLE,),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """A store over one log, and a hand that changes it."""

    folder: Path
    pack: Pack = WORK

    @property
    def workspace(self) -> Workspace:
        """With the one pack."""
        return Workspace(
            config=Config(store=Store(path=self.folder / "s.db")), packs={"plain": self.pack}
        )

    def write(self, *lines: str, batch_events: int = 50_000) -> None:
        """Append lines to the log and read it."""
        with (self.folder / "a.jsonl").open("a") as log:
            log.writelines(f"{line}\n" for line in lines)
        source = LogSource(pattern=str(self.folder / "a.jsonl"), pack="plain")
        self.workspace.ingest(
            (source,), Watch(clock=lambda: 0.0), IngestOptions(batch_events=batch_events, jobs=1)
        )

    def change(self, *statements: str) -> None:
        """Change the database, as any program with the file's path could."""
        with closing(sqlite3.connect(self.folder / "s.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def check(self, sample: int | None = None) -> ProjectionCheck:
        """What the check finds."""
        (found,) = self.workspace.check_projections(sample=sample)
        return found


def person(number: int, level: int = 1) -> str:
    """A line about somebody."""
    return (
        f'{{"kind":"good","ts":"2026-01-01T00:00:0{level}Z","who":"p{number:03}",'
        f'"level":{level},"work":{number}}}'
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A store with a hundred people of two events each."""
    made = Bench(folder=tmp_path)
    made.write(*(person(number, level) for level in (1, 2) for number in range(100)))
    return made


def test_what_nobody_touched_is_well(bench: Bench) -> None:
    """Both digests are equal and no row differs."""
    found = bench.check()

    assert found.is_well
    assert (found.rows, found.drift_count, found.batch_id) == (100, 0, 1)
    assert found.digest == found.fresh_digest


@pytest.mark.parametrize("batch_events", [1, 7, 200])
def test_the_digest_does_not_depend_on_the_batches(
    bench: Bench, tmp_path: Path, batch_events: int
) -> None:
    """Equal logs give equal digests, cut as they may be."""
    (tmp_path / "other").mkdir()
    other = Bench(folder=tmp_path / "other")

    other.write(
        *(person(number, level) for level in (1, 2) for number in range(100)),
        batch_events=batch_events,
    )

    assert other.check().digest == bench.check().digest


def test_reading_a_log_again_changes_nothing(bench: Bench) -> None:
    """The upstream of the honeypot doubles its counts here."""
    before = bench.check()

    bench.write()

    assert bench.check() == before


def test_an_edited_row_is_named_with_what_it_was_and_should_be(bench: Bench) -> None:
    """A manual edit is found, and told apart from the rows around it."""
    bench.change("UPDATE people_v1 SET events = 9 WHERE who = 'p042'")

    found = bench.check()

    (drift,) = found.drifts
    assert not found.is_well
    assert drift.key == {"who": "p042"}
    assert drift.was == {"who": "p042", "events": 9, "top": 2, "began_as": 42}
    assert drift.should_be == {"who": "p042", "events": 2, "top": 2, "began_as": 42}
    assert found.digest != found.fresh_digest


def test_missing_and_added_rows_are_told_apart(bench: Bench) -> None:
    """One side of each is None, and the rows behind them are still matched by their keys."""
    bench.change(
        "DELETE FROM people_v1 WHERE who IN ('p000', 'p050')",
        "INSERT INTO people_v1 VALUES ('p0490', 1, NULL, NULL), ('zz', 1, NULL, NULL)",
    )

    found = bench.check()

    sides = {str(each.key["who"]): (bool(each.was), bool(each.should_be)) for each in found.drifts}
    assert sides == {
        "p000": (False, True),
        "p0490": (True, False),
        "p050": (False, True),
        "zz": (True, False),
    }
    assert found.rows == 102


def test_an_edit_that_the_relation_does_not_show_is_found_too(bench: Bench) -> None:
    """The time that a first value is kept with decides what comes first next time."""
    bench.change("UPDATE people_v1 SET began_as = '1' || substr(began_as, 2) WHERE who = 'p001'")

    assert bench.check().drift_count == 1


@pytest.mark.parametrize("value", ["''", "'x'", "'9999999999999999999-'", "NULL"])
def test_whatever_somebody_put_into_a_row_is_reported(bench: Bench, value: str) -> None:
    """No value makes the check itself fail."""
    bench.change(f"UPDATE people_v1 SET began_as = {value} WHERE who = 'p001'")  # noqa: S608 - values of the test

    assert bench.check().drift_count == 1


def test_the_first_twenty_are_named_and_all_are_counted(bench: Bench) -> None:
    """Memory and page do not grow with the damage."""
    bench.change("UPDATE people_v1 SET events = 0")

    found = bench.check()

    assert (len(found.drifts), found.drift_count) == (20, 100)


def test_a_sample_is_spread_and_has_no_digest(bench: Bench) -> None:
    """As many rows as asked for; what it meets it compares as the whole check does."""
    found = bench.check(sample=10)
    bench.change("UPDATE people_v1 SET events = 0")

    assert (found.rows, found.digest, found.fresh_digest, found.is_well) == (10, None, None, True)
    assert bench.check(sample=10).drift_count == 10


def test_a_sample_meets_rows_that_are_missing(bench: Bench) -> None:
    """Half of its keys are those of events, spread over the logs."""
    bench.change("DELETE FROM people_v1 WHERE who >= 'p050'")

    found = bench.check(sample=30)

    assert 5 <= found.drift_count <= 15
    assert all(each.was is None for each in found.drifts)
    assert found.rows <= 30


def test_a_sample_of_an_empty_table_is_all_of_events(bench: Bench) -> None:
    """Somebody has deleted every row."""
    bench.change("DELETE FROM people_v1")

    found = bench.check(sample=5_000)

    assert found.drift_count == found.rows == 100


def test_a_declaration_that_changed_is_not_compared(bench: Bench) -> None:
    """Until a command that writes has made the table anew."""
    wider = dataclasses.replace(PEOPLE, measures=(*PEOPLE.measures, count("others", "x")))
    changed = Bench(folder=bench.folder, pack=dataclasses.replace(WORK, summaries=(wider,)))

    assert "declares it otherwise" in changed.check().problem
    assert "declares it otherwise" in changed.check(sample=3).problem
    changed.write()
    assert changed.check().is_well


@pytest.mark.parametrize("sample", [0, -1, 5_001])
def test_a_sample_has_its_limits(bench: Bench, sample: int) -> None:
    """A statement binds only so many values."""
    with pytest.raises(UsageError):
        bench.check(sample=sample)


def test_a_rebuild_mends_what_drifted(bench: Bench) -> None:
    """The events decide."""
    before = bench.check()
    bench.change("DELETE FROM people_v1 WHERE who > 'p010'")

    bench.workspace.rebuild_projections(["people"])

    assert bench.check() == before


def test_a_projection_that_is_behind_is_not_well(bench: Bench) -> None:
    """What it holds is right, and yet not all."""
    bench.change("UPDATE projections SET batch_id = 0", "DELETE FROM people_v1")

    found = bench.check()

    assert (found.drift_count, found.is_well) == (0, False)
    assert found.problem == "it stands at batch 0 of 1"
    bench.write()
    assert bench.check().is_well


def test_a_halted_projection_says_why(bench: Bench) -> None:
    """Also where its rows are right so far; the doctor names it too."""
    bench.change("UPDATE projections SET state = 'halted', detail = 'of a number'")

    assert bench.check().problem == "of a number"
    found = {each.name: each for each in examine(bench.workspace.store, (), {"plain": WORK})}
    assert found["projection people"].detail == "halted at batch 1: of a number"
    assert not found["projection people"].is_well


def test_a_store_without_the_projection_says_so(bench: Bench) -> None:
    """Nothing is computed for a table that is not there."""
    bench.change("DELETE FROM projections")

    assert bench.check().problem == "the store does not have it yet"


def test_recovered_rows_are_not_counted_again(bench: Bench) -> None:
    """Rows that recover puts back were counted when they came in."""
    before = bench.check()
    bench.change("DROP TRIGGER event_rows_no_delete", "DELETE FROM event_rows WHERE line_no = 7")
    damaged = bench.check()

    bench.workspace.recover()

    assert damaged.drift_count == 1
    assert bench.check() == before


def test_recover_mends_what_was_summed_up_without_the_lost_rows(bench: Bench) -> None:
    """A table that was made anew from damaged events follows the events that are put back."""
    before = bench.check()
    bench.change("DROP TRIGGER event_rows_no_delete", "DELETE FROM event_rows WHERE line_no = 7")
    bench.workspace.rebuild_projections()
    lacking = bench.check()

    bench.workspace.recover()

    assert lacking.is_well
    assert lacking.digest != before.digest
    assert bench.check() == before


def test_a_name_that_no_pack_declares_is_refused(bench: Bench) -> None:
    """By the check as by the rebuild."""
    with pytest.raises(UsageError):
        bench.workspace.check_projections(["nobody"])
    with pytest.raises(UsageError):
        bench.workspace.rebuild_projections(["nobody"])


VALUES = st.none() | st.text(max_size=3) | st.integers(-(2**63), 2**63 - 1)
TABLES = st.lists(st.tuples(VALUES, VALUES), max_size=5)


@given(left=TABLES, right=TABLES)
def test_tables_have_equal_digests_only_if_they_are_equal(
    left: list[tuple[str | int | None, ...]], right: list[tuple[str | int | None, ...]]
) -> None:
    """But for an integer that other readers would round, which equals its text."""
    same = [list(map(_rounded, row)) for row in left] == [list(map(_rounded, row)) for row in right]

    assert (table_digest(left) == table_digest(right)) == same


def _rounded(value: str | int | None) -> str | int | None:
    return str(value) if isinstance(value, int) and abs(value) >= 2**53 else value


def test_a_row_is_hashed_as_canonical_json() -> None:
    """The form that other engines are compared by."""
    assert canonical_row((None, "é\n", 2**53 - 1, -(2**53))) == (
        '[null,"é\\n",9007199254740991,"-9007199254740992"]'.encode()
    )
