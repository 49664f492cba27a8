"""A dry run judges everything and writes nothing."""

from __future__ import annotations

from pathlib import Path

from evidentia.ingest.values import Outcome

from .kit import Place, good, goods


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, but for what SQLite needs for reading."""
    return {
        str(path): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def test_a_dry_run_without_a_store_makes_none(place: Place) -> None:
    """Not a file, not a folder appears; the report is that of the real run."""
    there = Place(folder=place.folder, name="evidence/derived/s.db")
    there.write("a.jsonl", goods(5) + b"[1]\n\n" + good(6)[:-1])
    before = sorted(place.folder.rglob("*"))

    report = there.ingest("a.jsonl", is_dry_run=True)

    assert sorted(place.folder.rglob("*")) == before
    assert report.is_dry_run
    assert (report.events, report.dead_letters) == (5, 1)
    assert report.files[0].tail_bytes == len(good(6)) - 1


def test_a_dry_run_reads_only_what_is_new_and_changes_nothing(place: Place) -> None:
    """What is stored already is not told again, and the store keeps every byte."""
    place.write("a.jsonl", goods(5))
    place.write("b.jsonl", goods(5, 5))
    place.ingest("*.jsonl")
    place.append("a.jsonl", goods(2, 10))
    place.write("b.jsonl", goods(3, 20))
    place.write("c.jsonl", goods(4, 30))
    before = files(place.folder)

    report = place.ingest("*.jsonl", is_dry_run=True)

    assert files(place.folder) == before
    assert [file.events for file in report.files] == [2, 3, 4]
    assert [file.is_new_segment for file in report.files] == [False, True, True]


def test_a_dry_run_tells_what_the_real_run_then_does(place: Place) -> None:
    """Rehearsal and performance agree on every file, time aside."""
    place.write("a.jsonl", goods(5) + b'{"torn')
    place.write("bad.jsonl", b'[\n{"a":1},\n{"a":2}\n]\n')
    place.ingest("a.jsonl")
    place.write("a.jsonl", goods(3, 20))

    rehearsed = place.ingest("*.jsonl", is_dry_run=True)
    real = place.ingest("*.jsonl")

    assert [str(file.problem) for file in rehearsed.files] == [
        str(file.problem) for file in real.files
    ]
    assert [
        (file.outcome, file.segment_id, file.events, file.gaps) for file in rehearsed.files
    ] == [(file.outcome, file.segment_id, file.events, file.gaps) for file in real.files]
    assert {file.outcome for file in real.files} == {Outcome.READ, Outcome.FAILED}
