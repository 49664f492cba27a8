"""The dead-letter desk reads exact bytes again, counts every attempt, and makes nothing up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.audit import desk
from evidentia.audit.desk import (
    RetryOptions,
    RetryReport,
    letters_at,
    open_positions,
    retry_all,
)
from evidentia.errors import PackError, UsageError
from evidentia.event.values import Flag
from evidentia.log.values import Limits
from evidentia.pack.contract import Pack

from .conftest import LOG, OPTIONS

LONG = good(2, text="x" * 2_000)
DUPLICATE = b'{"kind":"good","kind":"twice","level":10}'


def retry(
    place: Place,
    *,
    limits: Limits = OPTIONS.limits,
    is_lenient: bool = False,
    packs: dict[str, Pack] | None = None,
) -> RetryReport:
    """Retry every open dead letter."""
    with place.store.reader() as reader:
        positions = open_positions(reader)
        segments = {segment.id: segment for segment in reader.segments()}
    with place.workspace.writer("dead-letters retry") as writer:
        return retry_all(
            writer,
            letters_at(place.store, positions),
            segments,
            place.packs if packs is None else packs,
            RetryOptions(limits=limits, is_lenient=is_lenient),
        )


def standing(place: Place) -> list[tuple[object, ...]]:
    """State, attempts and reason of every dead letter."""
    return place.rows("SELECT state, attempts, reason FROM dead_letter_rows ORDER BY id")


@pytest.fixture
def long_line(place: Place) -> Place:
    """A store with a valid event that was over the limit."""
    place.write(LOG, goods(2) + LONG + goods(2, 3))
    place.ingest(LOG)
    return place


def test_a_line_over_a_raised_limit_is_read_from_the_log(long_line: Place) -> None:
    """CL-11: the event takes its own position, and the log is read for its bytes."""
    report = retry(long_line, limits=Limits(line_bytes_max=10_000))

    assert (report.attempted, report.recovered) == (1, 1)
    assert [outcome for _position, outcome in report.outcomes] == ["recovered"]
    assert long_line.raws() == [line[:-1] for line in (good(0), good(1), LONG, good(3), good(4))]
    assert long_line.rows("SELECT line_no FROM event_rows ORDER BY id") == [
        (number,) for number in range(1, 6)
    ]
    assert standing(long_line) == [("recovered", 1, "too_long")]


@pytest.mark.parametrize("limit", [1_000, 10_000])
def test_a_recovered_event_is_no_difference(long_line: Place, limit: int) -> None:
    """Verify knows what the desk did, under the old limit and the new one."""
    retry(long_line, limits=Limits(line_bytes_max=10_000))
    options = replace(OPTIONS, limits=Limits(line_bytes_max=limit))

    report = replace(long_line, options=options).verify()

    assert report.findings == ()


def test_a_recovered_events_bytes_are_still_compared(long_line: Place) -> None:
    """What was recovered has the bytes of its dead letter, or it is a difference."""
    retry(long_line, limits=Limits(line_bytes_max=10_000))
    long_line.damage("UPDATE event_rows SET raw = x'7b7d' WHERE line_no = 3")

    report = long_line.verify()

    assert [finding.line_no for finding in report.findings] == [3]


def test_a_line_over_the_limit_stays_a_dead_letter_under_the_same_limit(long_line: Place) -> None:
    """Trying again changes nothing but the count."""
    report = retry(long_line)

    assert (report.recovered, standing(long_line)) == (0, [("open", 1, "too_long")])


@pytest.mark.parametrize(
    "harm",
    [
        lambda place: (place.folder / LOG).unlink(),
        lambda place: place.write(LOG, goods(2) + LONG.replace(b"x", b"y") + goods(2, 3)),
        lambda place: place.write(LOG, goods(1)),
    ],
    ids=["gone", "changed", "shortened"],
)
def test_a_line_that_is_no_longer_in_the_log_is_not_made_up(
    long_line: Place, harm: Callable[[Place], object]
) -> None:
    """IN-37: only bytes with the recorded hash become an event."""
    harm(long_line)

    report = retry(long_line, limits=Limits(line_bytes_max=10_000))

    assert (report.recovered, standing(long_line)) == (0, [("open", 1, "too_long")])


def test_stored_bytes_that_were_changed_do_not_become_an_event(place: Place) -> None:
    """IN-37: a dead letter whose bytes were edited in the store is left as it is."""
    place.write(LOG, b"[1]\n")
    place.ingest(LOG)
    place.damage("UPDATE dead_letter_rows SET raw = CAST('{}' AS BLOB)")

    report = retry(place)

    assert (report.recovered, place.raws()) == (0, [])
    assert standing(place) == [("open", 1, "not_object")]


def test_lines_that_still_are_no_events_count_each_attempt(filled: Place) -> None:
    """CL-11: attempts are recorded, reasons stay, and nothing else changes."""
    before = filled.dump("runs", "audit_log", "dead_letter_rows")
    reasons = [reason for _state, _attempts, reason in standing(filled)]

    retry(filled)
    retry(filled)

    assert [attempts for _state, attempts, _reason in standing(filled)] == [2] * 11
    assert [reason for _state, _attempts, reason in standing(filled)] == reasons
    assert filled.dump("runs", "audit_log", "dead_letter_rows") == before
    assert filled.verify().finding_count == 0


def test_a_lenient_retry_takes_what_a_strict_log_refused(place: Place) -> None:
    """M39, M42, M47: flagged, with what the schema says; verify knows it as recovered."""
    place.write(LOG, DUPLICATE + b'\n{"a":"\\ud800"}\n\xef\xbb\xbf{"a":1}\nnot json\n')
    place.ingest(LOG)

    strict, lenient = retry(place), retry(place, is_lenient=True)

    assert (strict.recovered, lenient.recovered) == (0, 3)
    assert place.rows("SELECT flags FROM event_rows ORDER BY id") == [
        (Flag.DUPLICATE_KEY | Flag.SCHEMA_INVALID,),
        (Flag.LONE_SURROGATE,),
        (Flag.BOM,),
    ]
    ((message,),) = place.rows("SELECT message FROM schema_findings")
    assert message.startswith("level: ")
    assert place.verify().findings == ()


def test_trying_again_when_all_is_done_does_nothing(long_line: Place) -> None:
    """CL-11: idempotent; a dead letter that is an event now is no longer open."""
    limits = Limits(line_bytes_max=10_000)
    retry(long_line, limits=limits)
    before = long_line.dump("runs")

    report = retry(long_line, limits=limits)

    assert (report.attempted, long_line.dump("runs")) == (0, before)


def test_a_dead_letter_is_not_recovered_twice(long_line: Place) -> None:
    """Two desks at once: the second is told."""
    limits = Limits(line_bytes_max=10_000)
    with long_line.store.reader() as reader:
        letters = reader.list_dead_letters(state="open", reason=None, limit=9)
        segments = {segment.id: segment for segment in reader.segments()}
    retry(long_line, limits=limits)

    with (
        long_line.workspace.writer("test") as writer,
        pytest.raises(UsageError, match="is recovered already"),
    ):
        retry_all(writer, letters, segments, long_line.packs, RetryOptions(limits=limits))


def test_a_torn_line_keeps_its_reason(place: Place) -> None:
    """That its end is missing is known better than the line itself can tell."""
    place.write(LOG, goods(1) + b'{"torn')
    place.ingest(LOG, options=replace(OPTIONS, is_final=True))

    retry(place)

    assert standing(place) == [("open", 1, "torn")]


def test_a_reason_that_is_told_otherwise_now_is_renewed(place: Place) -> None:
    """The verdict of today takes the place of one by an earlier version."""
    place.write(LOG, b"[1]\n")
    place.ingest(LOG)
    place.damage("UPDATE dead_letter_rows SET reason = 'depth', detail = 'x', column_no = 9")

    retry(place)

    assert standing(place) == [("open", 1, "not_object")]


def test_a_log_of_an_absent_pack_cannot_be_retried(filled: Place) -> None:
    """Without its pack no line can be read."""
    with pytest.raises(PackError, match="pack plain is not installed"):
        retry(filled, packs={})


def test_every_attempt_is_in_the_audit_log(long_line: Place) -> None:
    """Who did what is part of the store."""
    retry(long_line)
    retry(long_line, limits=Limits(line_bytes_max=10_000))

    assert long_line.rows("SELECT action, detail FROM audit_log ORDER BY id") == [
        ("dead-letter retry", "too_long"),
        ("dead-letter retry", "recovered"),
    ]


def test_a_recovered_line_is_exported_once(long_line: Place) -> None:
    """IN-25: the segment's bytes are complete, with the event in its dead letter's place."""
    retry(long_line, limits=Limits(line_bytes_max=10_000))

    assert (
        b"".join(raw + b"\n" for raw in long_line.raws()) == (long_line.folder / LOG).read_bytes()
    )


@pytest.mark.parametrize(("letters", "length"), [(2, 10**9), (100, 1), (100, 12)])
def test_dead_letters_are_read_page_by_page(
    filled: Place, monkeypatch: pytest.MonkeyPatch, letters: int, length: int
) -> None:
    """Invariant 12: a million dead letters, or a few of megabytes, are not held all at once."""
    with filled.store.reader() as reader:
        positions = open_positions(reader)
    monkeypatch.setattr(desk, "_PAGE_LETTERS", letters)
    monkeypatch.setattr(desk, "_PAGE_BYTES", length)

    found = list(letters_at(filled.store, [*positions, 1]))

    assert [letter.row.position for letter in found] == positions
    assert len(positions) == 11
