"""One file of a run: archives that wait, break or are salvaged, gaps, faults and early ends."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from evidentia.errors import LogCorruptError, LogFormatError, LogUnreadableError
from evidentia.ingest import reading
from evidentia.ingest.run import Target, ingest
from evidentia.ingest.values import FileReport, IngestOptions, Outcome, Watch
from evidentia.log.discovery import discover
from evidentia.log.reader import read_pieces
from evidentia.log.values import Block, Limits, LogSource, Piece

from .kit import PACKS, Place, good, goods

FINAL = IngestOptions(jobs=0, is_final=True)
CLOCK: Callable[[], float] = lambda: 0.0  # noqa: E731 - time stands still


def noisy(count: int) -> bytes:
    """Lines that hardly compress, so that an archive of them is long."""
    chance = random.Random(1)  # noqa: S311 - repeatable
    return b"".join(good(n, noise=chance.randbytes(150).hex()) for n in range(count))


def zstd_with_checksum(data: bytes) -> bytes:
    """A Zstandard frame that can tell whether it is whole."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def outcomes(place: Place, *patterns: str, options: IngestOptions | None = None) -> list[Outcome]:
    """What became of each file in a run."""
    return [file.outcome for file in place.ingest(*patterns, options=options).files]


def states(place: Place) -> list[tuple[Any, ...]]:
    """State, checkpoint and bytes held back of every segment."""
    return place.rows("SELECT state, checkpoint, tail_bytes FROM segments ORDER BY id")


def gaps(place: Place) -> list[tuple[Any, ...]]:
    """Kind and place of every gap."""
    return place.rows("SELECT kind, byte_offset FROM gap_rows ORDER BY id")


def letters(place: Place) -> list[tuple[Any, ...]]:
    """Reason and bytes of every dead letter."""
    return place.rows("SELECT reason, raw FROM dead_letter_rows ORDER BY id")


def corrupted(archive: bytes, place: int) -> bytes:
    """An archive with 20 bytes overwritten."""
    return archive[:place] + b"\xaa" * 20 + archive[place + 20 :]


def test_an_archive_that_is_still_being_written_is_waited_for(place: Place) -> None:
    """M14: half an archive gives nothing; the whole one gives every line once."""
    data = noisy(200)
    archive = gzip.compress(data)
    place.write("a.gz", archive[: len(archive) // 2])

    first = place.ingest("a.gz")
    nothing = place.rows("SELECT count(*) FROM segments")
    place.write("a.gz", archive)
    second, third = place.ingest("a.gz"), place.ingest("a.gz")

    assert ([first.files[0].outcome, first.events], nothing) == ([Outcome.WAITING, 0], [(0,)])
    assert (second.events, third.files[0].outcome) == (200, Outcome.UNCHANGED)
    assert b"".join(raw + b"\n" for raw in place.raws()) == data


def test_final_takes_half_an_archive_as_far_as_it_goes(place: Place) -> None:
    """M23: the operator says that it will not grow; gap and dead letter say what is missing."""
    data = noisy(200)
    archive = gzip.compress(data)
    place.write("a.gz", archive[: len(archive) // 2])

    report = place.ingest("a.gz", options=FINAL)

    (file,) = report.files
    stored = place.raws()
    ((reason, cut),) = letters(place)
    assert (file.outcome, type(file.problem)) == (Outcome.FAILED, LogCorruptError)
    assert reason == "corrupt_archive"
    assert data.startswith(b"".join(raw + b"\n" for raw in stored) + cut)
    assert 50 < len(stored) < 200
    ((state, checkpoint, _tail),) = states(place)
    assert (state, gaps(place)) == ("broken", [("truncated_archive", checkpoint)])
    assert [gap.kind for gap in report.gaps] == ["truncated_archive"]
    assert outcomes(place, "a.gz", options=FINAL) == [Outcome.UNCHANGED]
    assert place.verify().finding_count == 0


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, lzma.compress, zstd_with_checksum],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_corrupt_archive_gives_every_line_before_the_fault(
    place: Place, compress: Callable[[bytes], bytes]
) -> None:
    """M15: what came before is stored, the cut line is a dead letter, the rest is a gap."""
    data = noisy(3_000)
    archive = compress(data)
    place.write("a.packed", corrupted(archive, len(archive) * 3 // 4))
    place.write("b.jsonl", goods(3))

    report = place.ingest("a.packed", "b.jsonl")

    broken, other = report.files
    assert (broken.outcome, other.outcome) == (Outcome.FAILED, Outcome.READ)
    assert isinstance(broken.problem, LogCorruptError)
    assert place.raws()[:1_000] == data.split(b"\n")[:1_000]
    assert [kind for kind, _place in gaps(place)] == ["corrupt_archive"]
    assert [state for state, *_ in states(place)] == ["broken", "live"]
    assert outcomes(place, "a.packed", "b.jsonl") == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert place.verify().finding_count == 0


def test_an_archive_with_a_wrong_checksum_gives_all_its_lines_and_a_gap(place: Place) -> None:
    """M15: the fault is found behind the last line, so nothing is cut, and something is wrong."""
    archive = bytearray(gzip.compress(goods(50)))
    archive[-8] ^= 1
    place.write("a.gz", bytes(archive))

    report = place.ingest("a.gz")

    assert (report.events, report.dead_letters, report.files[0].outcome) == (50, 0, Outcome.FAILED)
    assert gaps(place) == [("corrupt_archive", len(goods(50)))]


def test_an_archive_that_is_restored_is_read_on(place: Place) -> None:
    """Every line behind the one that was cut is stored once when the archive is whole again."""
    data = noisy(2_000)
    archive = gzip.compress(data)
    path = place.write("a.gz", archive[: len(archive) * 3 // 4])
    place.ingest("a.gz", options=FINAL)
    before = len(place.raws())

    path.write_bytes(archive)
    place.ingest("a.gz")

    lines = data.split(b"\n")[:-1]
    assert place.raws() == lines[:before] + lines[before + 1 :]
    assert place.rows("SELECT DISTINCT line_no FROM dead_letter_rows") == [(before + 1,)]
    assert place.verify().finding_count == 0


@pytest.mark.parametrize(
    "compress",
    [gzip.compress, bz2.compress, lzma.compress, zstandard.compress],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_whole_archive_is_read_and_finished(
    place: Place, compress: Callable[[bytes], bytes]
) -> None:
    """A closed archive ends its last line, newline or not, and is not read again."""
    place.write("a.packed", compress(goods(5) + good(5)[:-1]))

    first, second = place.ingest("a.packed"), place.ingest("a.packed")

    assert (first.events, second.files[0].outcome) == (6, Outcome.UNCHANGED)
    assert [state for state, _checkpoint, _tail in states(place)] == ["finished"]


def test_a_bomb_is_refused_and_the_others_are_read(place: Place) -> None:
    """M16: an archive that expands beyond the limits is one failed file."""
    place.write("a.gz", gzip.compress(b"\n" * 3_000_000))
    place.write("b.jsonl", goods(3))
    limits = Limits(expansion_free_bytes=1_000, expansion_max=10)

    report = place.ingest("a.gz", "b.jsonl", options=IngestOptions(jobs=0, limits=limits))

    bomb, other = report.files
    assert isinstance(bomb.problem, LogCorruptError)
    assert bomb.problem.fix is not None
    assert "limits.expansion_max" in bomb.problem.fix
    assert other.events == 3


def test_an_empty_file_is_nothing_yet(place: Place) -> None:
    """M08, M52: a segment begins with its first byte."""
    place.write("a.jsonl", b"")

    report = place.ingest("a.jsonl")

    assert report.files == (
        FileReport(path=str(place.folder / "a.jsonl"), outcome=Outcome.UNCHANGED),
    )
    assert states(place) == []


def test_an_emptied_file_leaves_its_segment_as_it_is(place: Place) -> None:
    """M08: truncated to nothing, the log begins its next segment with the next byte."""
    path = place.write("a.jsonl", goods(5))
    place.ingest("a.jsonl")
    path.write_bytes(b"")

    idle = place.ingest("a.jsonl")
    before = states(place)
    path.write_bytes(goods(2, 5))
    place.ingest("a.jsonl")

    assert (idle.files[0].outcome, [state for state, *_ in before]) == (Outcome.UNCHANGED, ["live"])
    assert [state for state, *_ in states(place)] == ["replaced", "live"]
    assert len(place.raws()) == 7


def test_a_file_that_is_not_jsonl_is_one_error_and_the_others_are_read(place: Place) -> None:
    """M40, M50, M51, IN-26: one clear error with advice, not a dead letter for every line."""
    place.write("a.jsonl", goods(2))
    place.write("b.jsonl", "[\n  {}\n]\n".encode("utf-16"))
    place.write("c.jsonl", b'[\n  {"a": 1},\n  {"a": 2}\n]\n')
    place.write("d.jsonl", goods(2, 2))

    report = place.ingest("*.jsonl")

    assert [file.outcome for file in report.files] == [
        Outcome.READ,
        Outcome.FAILED,
        Outcome.FAILED,
        Outcome.READ,
    ]
    problems = [file.problem for file in report.files if file.problem]
    assert all(isinstance(problem, LogFormatError) and problem.fix for problem in problems)
    assert report.dead_letters == 0
    assert len(states(place)) == 2


def test_bytes_held_back_of_a_replaced_file_are_a_gap(place: Place) -> None:
    """M06: the torn line that went with the truncation is told of, once."""
    path = place.write("a.jsonl", goods(3) + b'{"torn')
    place.ingest("a.jsonl")
    size = len(goods(3))

    path.write_bytes(goods(2, 9))
    report = place.ingest("a.jsonl")
    again = place.ingest("a.jsonl")

    expected = [("copytruncate_window", size), ("unread_replaced", size)]
    assert [(gap.kind, gap.byte_offset) for gap in report.gaps] == expected
    assert (gaps(place), again.gaps) == (expected, ())


def test_a_file_that_is_written_anew_keeps_both_contents(place: Place) -> None:
    """IN-02, M05: what was written between the last look and the cut cannot be known."""
    path = place.write("a.jsonl", goods(3))
    place.ingest("a.jsonl")

    path.write_bytes(goods(3, 9))
    place.ingest("a.jsonl")

    assert (len(place.raws()), gaps(place)) == (6, [("copytruncate_window", len(goods(3)))])


def test_a_run_that_is_stopped_commits_what_it_has_and_leaves_the_rest(place: Place) -> None:
    """The file at hand and those behind it are named as stopped; a second run completes them."""
    place.write("a.jsonl", goods(20_000))
    place.write("b.jsonl", goods(5, 30_000))
    seen: list[int] = []
    watch = Watch(
        clock=CLOCK,
        should_stop=lambda: len(seen) >= 2,
        on_progress=lambda _name, done, _events: seen.append(done),
    )

    report = place.ingest("*.jsonl", watch=watch)
    stored = len(place.raws())
    rest = place.ingest("*.jsonl")

    assert report.is_stopped
    assert [file.outcome for file in report.files] == [Outcome.STOPPED, Outcome.STOPPED]
    assert (report.files[0].events, report.files[0].bytes_read) == (stored, sum(seen))
    assert 0 < stored < 20_000
    assert stored + rest.events == 20_005
    assert not rest.is_stopped


def test_progress_adds_up_to_what_is_there(place: Place) -> None:
    """The total is told first; the parts sum to it, packed bytes counted as they are read."""
    data = goods(9) + b"x" * 500 + b"\n" + goods(2)
    place.write("a.jsonl", data)
    place.write("b.gz", gzip.compress(goods(1, 50) + data))
    totals: list[int] = []
    parts: list[tuple[int, int]] = []
    watch = Watch(
        clock=CLOCK,
        on_total=totals.append,
        on_progress=lambda _name, done, events: parts.append((done, events)),
    )
    options = IngestOptions(jobs=0, limits=Limits(line_bytes_max=499))

    place.ingest("a.jsonl", "b.gz", watch=watch, options=options)

    total = 2 * len(data) + len(goods(1, 50))
    assert totals == [total]
    assert (sum(done for done, _ in parts), sum(events for _, events in parts)) == (total, 23)


def test_a_fault_of_the_disk_keeps_what_was_read_before_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M36: the lines before an input error are stored, and a later run goes on there."""
    place.write("a.jsonl", goods(20_000))
    place.write("b.jsonl", goods(5, 20_000))

    def failing(*args: Any, **options: Any) -> Iterator[Piece]:
        for number, piece in enumerate(read_pieces(*args, **options)):
            if number == 2:
                raise LogUnreadableError("the disk fails")
            yield piece

    monkeypatch.setattr(reading, "read_pieces", failing)
    report = place.ingest("*.jsonl")
    monkeypatch.undo()
    stored = len(place.raws())
    rest = place.ingest("*.jsonl")

    assert [file.outcome for file in report.files] == [Outcome.FAILED, Outcome.READ]
    assert 5 < stored < 20_005
    assert stored + rest.events == 20_005
    assert place.verify().finding_count == 0


def test_a_file_that_changes_places_after_it_was_found_is_looked_for_again(place: Place) -> None:
    """M31: another file at the path is not read at a foreign checkpoint but as what it is."""
    path = place.write("a.jsonl", goods(5))
    discovery = discover([LogSource(pattern=str(path), pack="plain")])
    place.write("new.jsonl", goods(7, 50)).rename(path)

    with place.workspace.writer("ingest") as writer:
        report = ingest(
            Target(sink=writer), discovery, PACKS, IngestOptions(jobs=0), Watch(clock=CLOCK)
        )
    after = place.ingest("a.jsonl")

    (file,) = report.files
    assert (file.problem, file.events, after.events) == (None, 7, 0)
    assert place.verify().finding_count == 0


def test_a_last_line_without_newline_waits_until_the_operator_says_final(place: Place) -> None:
    """M21, M23: held back on every poll, stored once with --final."""
    place.write("a.jsonl", goods(2) + good(2)[:-1])

    polls = [place.ingest("a.jsonl") for _ in range(3)]
    final = place.ingest("a.jsonl", options=FINAL)
    again = place.ingest("a.jsonl", options=FINAL)

    assert [poll.events for poll in polls] == [2, 0, 0]
    assert [poll.files[0].tail_bytes for poll in polls] == [len(good(2)) - 1] * 3
    assert (final.events, again.files[0].outcome) == (1, Outcome.UNCHANGED)
    assert [state for state, *_ in states(place)] == ["finished"]


def test_a_finished_log_that_grows_all_the_same_is_read_on(place: Place) -> None:
    """IN-12: the line numbers behind a line that got its newline late are those of the file."""
    place.write("a.jsonl", goods(2) + good(2)[:-1])
    place.ingest("a.jsonl", options=FINAL)

    place.append("a.jsonl", b"\n" + good(3))
    place.ingest("a.jsonl")

    assert [row[0] for row in place.rows("SELECT line_no FROM event_rows ORDER BY id")] == [
        1,
        2,
        3,
        4,
    ]
    assert [state for state, *_ in states(place)] == ["live"]
    assert place.verify().finding_count == 0


def test_dense_lines_are_parsed_in_small_parts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 12: a mebibyte of the shortest events is not one block of 350,000 rows."""
    sizes: list[int] = []
    original = reading.FileReader._take

    def spy(self: reading.FileReader, *args: Any) -> None:
        piece = args[0][0]
        if isinstance(piece, Block):
            sizes.append(piece.data.count(b"\n"))
        original(self, *args)

    monkeypatch.setattr(reading.FileReader, "_take", spy)
    place.write("a.jsonl", b"{}\n" * 100_000)

    report = place.ingest("a.jsonl")

    assert report.events == sum(sizes) == 100_000
    assert max(sizes) <= 16_384


@pytest.mark.parametrize("pattern", ["*.jsonl", "\udcff caf\udce9\n'.jsonl"], ids=ascii)
def test_a_path_that_is_not_utf8_is_read_and_resumed(place: Place, pattern: str) -> None:
    """M56: any name the file system allows works, found or named, and is known again."""
    name = b"\xff caf\xe9\n'.jsonl"
    path = Path(place.folder) / name.decode("utf-8", "surrogateescape")
    path.write_bytes(goods(3))

    first = place.ingest(pattern)
    with path.open("ab") as file:
        file.write(goods(2, 3))
    second = place.ingest(pattern)

    assert (first.events, second.events) == (3, 2)
    assert second.files[0].path.startswith("file:///")
    assert place.verify().finding_count == 0
