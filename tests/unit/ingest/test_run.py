"""One pass over all logs: order, processes, bulk mode, and the sums of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evidentia.errors import LogMissingError, UsageError
from evidentia.ingest import run
from evidentia.ingest.run import Target, ingest
from evidentia.ingest.values import (
    BULK_BYTES,
    IngestOptions,
    IngestReport,
    Outcome,
    Watch,
)
from evidentia.log.discovery import discover
from evidentia.log.values import LogSource
from evidentia.store.writer import StoreWriter

from .kit import PACKS, Place, good, goods
from .sink import KeepingSink

CLOCK: Callable[[], float] = lambda: 0.0  # noqa: E731 - time stands still


def untimed(report: IngestReport) -> IngestReport:
    """A report without how long it took."""
    return replace(report, seconds=0.0)


def test_files_are_reported_in_the_order_of_the_list(place: Place) -> None:
    """In the order of their names; what is new is read in the order of its first events."""
    for number, name in enumerate(("a.jsonl", "a.jsonl.10", "a.jsonl.2")):
        place.write(name, goods(2, 2 * number))
    place.write("a.jsonl.3", b'[\n{"a":1},\n{"a":2}\n]\n')

    report = place.ingest("a.jsonl*")

    assert [file.path.rpartition("/")[2] for file in report.files] == [
        "a.jsonl.2",
        "a.jsonl.3",
        "a.jsonl.10",
        "a.jsonl",
    ]
    assert [file.segment_id for file in report.files] == [3, None, 2, 1]


def test_the_report_adds_up(place: Place) -> None:
    """Sums over all files, problems of the allow-list, and the time by the given clock."""
    place.write("a.jsonl", goods(3) + b"[1]\n")
    place.write("b.jsonl", goods(2, 5))
    ticks = iter(range(0, 1_000, 10))

    report = place.ingest(
        "a.jsonl", "b.jsonl", "missing.jsonl", watch=Watch(clock=lambda: next(ticks))
    )

    assert (report.events, report.dead_letters) == (5, 1)
    assert report.bytes_read == len(goods(3)) + 4 + len(goods(2, 5))
    assert [type(problem) for problem in report.problems] == [LogMissingError]
    assert report.seconds > 0
    assert (report.gaps, report.is_stopped, report.is_dry_run) == ((), False, False)


def test_a_source_of_an_unknown_pack_is_wrong_usage(place: Place) -> None:
    """A pack that is not there stops the run before anything is read."""
    path = place.write("a.jsonl", goods(3))
    sink = KeepingSink()
    discovery = discover([LogSource(pattern=str(path), pack="absent")])

    with pytest.raises(UsageError, match="there is no pack 'absent'"):
        ingest(Target(sink=sink), discovery, PACKS, IngestOptions(), Watch(clock=CLOCK))

    assert sink.calls == []


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_processes_and_bulk_mode_do_not_show_in_the_store(
    place: Place, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """Invariant 10: bulk and parallel give the rows, and the digest, of the plainest run."""
    data = goods(3_000) + b"[1]\n\n" + goods(3_000, 3_000) + good(1, level=10)
    place.write("a.jsonl", data)
    place.write("b.jsonl", goods(50, 9_000))
    place.ingest("*.jsonl")
    monkeypatch.setattr(run, "BULK_BYTES", 1_000)
    other = Place(folder=place.folder, name="other.db", options=IngestOptions(jobs=jobs))

    other.ingest("*.jsonl")

    assert other.digest() == place.digest()
    timed = ("runs", "logs", "segments", "segment_names", "decisions", "batches", "packs", "schema")
    assert other.dump(*timed) == place.dump(*timed)
    assert other.verify().finding_count == 0


def test_how_many_processes_parse_follows_from_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """None for little, as many as there are processors for much, never more than four."""
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    little, much = BULK_BYTES - 1, BULK_BYTES

    found = [
        run._jobs(IngestOptions(), little),
        run._jobs(IngestOptions(), much),
        run._jobs(IngestOptions(jobs=7), little),
        run._jobs(IngestOptions(jobs=0), much),
    ]
    monkeypatch.setattr("os.cpu_count", lambda: None)

    assert found == [0, 4, 7, 0]
    assert run._jobs(IngestOptions(), much) == 1


def test_a_second_run_finds_everything_unchanged(place: Place) -> None:
    """IN-18: nothing new, nothing read, nothing stored."""
    place.write("a.jsonl", goods(3))
    place.write("b.jsonl", goods(3, 3) + b'{"torn')
    first = place.ingest("*.jsonl")

    second = place.ingest("*.jsonl")

    assert [file.outcome for file in second.files] == [Outcome.UNCHANGED] * 2
    assert (second.events, second.bytes_read) == (0, 0)
    assert [file.checkpoint for file in second.files] == [file.checkpoint for file in first.files]
    assert [file.tail_bytes for file in second.files] == [file.tail_bytes for file in first.files]


def test_a_look_that_finds_nothing_new_writes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-18: not even the same values once more."""
    place.write("a.jsonl", goods(3))
    place.write("b.jsonl", goods(3, 3) + b'{"torn')
    place.ingest("*.jsonl")
    changed: list[object] = []
    monkeypatch.setattr(
        StoreWriter, "change_segment", lambda _self, *arguments: changed.append(arguments)
    )

    place.ingest("*.jsonl")

    assert changed == []
