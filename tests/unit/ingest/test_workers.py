"""Parsing in other processes gives what parsing in this one gives, and fails where it must."""

from __future__ import annotations

import gc
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from evidentia.errors import EvidentiaError, LogUnreadableError, PackError
from evidentia.event.fieldmap import FieldMap
from evidentia.event.values import ByteOffset, LineNumber, Policy
from evidentia.ingest import worker
from evidentia.ingest.parse import ParsedEvents, ParseSettings
from evidentia.ingest.workers import (
    HANDFULS_AHEAD,
    InlineParsers,
    Parsed,
    WorkerParsers,
    parsers,
)
from evidentia.log.values import Block, Piece, Tail
from evidentia.pack.contract import Pack

from .kit import BAD_LINES, OTHER, PLAIN, Place, block, good, goods

SETTINGS: Final = [
    ParseSettings.of(PLAIN, is_lenient=False),
    ParseSettings.of(OTHER, is_lenient=True),
]
TAIL: Final = Tail(start=ByteOffset(9), line=LineNumber(9), length=9)
DEADLY: Final = """
import os, signal, sys
from evidentia.errors import PackError

PARENT = int(os.environ["TEST_PARENT"])

def kind(event):
    if event.get("dies") and os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    if event.get("raises"):
        raise ValueError("no")
    print("noise", file=sys.stdout, flush=True)
    return "seen"
"""


def mixed_pieces(blocks: int) -> list[Piece]:
    """Blocks of every sort of line, and pieces that are not blocks."""
    data = b"".join(line + b"\n" for line in BAD_LINES)
    pieces: list[Piece] = [
        block(b"\n" + goods(number % 5, number) + data + good(number, level=10), number * 1_000)
        for number in range(blocks)
    ]
    return [*pieces[:2], TAIL, *pieces[2:], TAIL]


def told(found: list[Parsed]) -> list[object]:
    """Pieces with what they hold, to be compared."""
    return [
        (piece, parsed and ([*parsed.events], parsed.dead_letters, parsed.fillers, parsed.findings))
        for piece, parsed in found
    ]


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """A pack that workers can import, and whose function kills, raises or prints."""
    (tmp_path / "deadly_pack.py").write_text(DEADLY)
    monkeypatch.setenv("TEST_PARENT", str(os.getpid()))
    monkeypatch.syspath_prepend(str(tmp_path))
    module: ModuleType = __import__("deadly_pack")
    monkeypatch.setitem(sys.modules, "deadly_pack", module)
    return Pack(name="deadly", version=1, title="x", fields=FieldMap(kind=(module.kind,)))


@pytest.mark.parametrize("handful_bytes", [1, 3_000, 10**6])
@pytest.mark.parametrize("jobs", [1, 3])
def test_workers_give_what_one_process_gives_in_the_same_order(
    jobs: int, handful_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 10: the same pieces with the same rows, however many processes parse."""
    monkeypatch.setattr("evidentia.ingest.workers._HANDFUL_BYTES", handful_bytes)
    pieces = mixed_pieces(3 * HANDFULS_AHEAD)
    wanted = told(list(InlineParsers(SETTINGS).parse(0, pieces)))

    with parsers(SETTINGS, jobs) as pool:
        found = told(list(pool.parse(0, pieces)))

    assert isinstance(pool, WorkerParsers)
    assert found == wanted


def test_one_pool_reads_logs_of_several_kinds() -> None:
    """Each log is read by its own pack and policy."""
    pieces = mixed_pieces(5)

    with parsers(SETTINGS, 2) as pool:
        found = [told(list(pool.parse(number, pieces))) for number in (0, 1, 0)]

    assert found == [told(list(InlineParsers(SETTINGS).parse(n, pieces))) for n in (0, 1, 0)]


def test_a_log_that_is_left_early_does_not_answer_for_the_next() -> None:
    """Answers of a log that was stopped are not taken for those of the next one."""
    first, second = mixed_pieces(20), mixed_pieces(7)

    with parsers(SETTINGS, 3) as pool:
        reading = pool.parse(0, first)
        next(reading)
        reading.close()
        found = told(list(pool.parse(0, second)))

    assert found == told(list(InlineParsers(SETTINGS).parse(0, second)))


@pytest.mark.parametrize("jobs", [0, 2])
def test_what_was_read_before_a_fault_of_the_log_is_given(jobs: int) -> None:
    """Blocks that were read before the disk failed are stored, with workers as without."""
    pieces = mixed_pieces(4)

    def failing() -> Iterator[Piece]:
        yield from pieces
        raise LogUnreadableError("the disk fails")

    found: list[Parsed] = []
    with (
        parsers(SETTINGS, jobs) as pool,
        pytest.raises(LogUnreadableError, match="the disk fails"),
    ):
        found.extend(pool.parse(0, failing()))

    assert told(found) == told(list(InlineParsers(SETTINGS).parse(0, pieces)))


def test_a_pack_made_of_lambdas_is_parsed_in_this_process() -> None:
    """What cannot be sent to a worker is merely parsed here."""
    settings = ParseSettings(
        fields=FieldMap(kind=(lambda _event: "always",)), schema=None, policy=Policy()
    )

    with parsers([settings], 3) as pool:
        ((_piece, parsed),) = pool.parse(0, [block(good(1))])

    assert isinstance(pool, InlineParsers)
    assert parsed is not None
    assert [event[3] for event in parsed.events] == ["always"]


def test_a_killed_worker_is_an_error_and_nothing_of_its_block_is_stored(
    place: Place, deadly: Pack
) -> None:
    """A worker that dies costs the run, not the log: what was committed stays, the rest waits."""
    there = Place(folder=place.folder, packs={"deadly": deadly})
    lines = [good(number) for number in range(60_000)]
    lines[40_000] = good(40_000, dies=True)
    there.write("a.jsonl", b"".join(lines))
    options = type(there.options)(jobs=2, batch_events=1)

    with pytest.raises(EvidentiaError, match=r"a parser process died \(status -9\)"):
        there.ingest("a.jsonl", pack="deadly", options=options)
    stored = there.raws()
    there.ingest("a.jsonl", pack="deadly")

    assert 0 < len(stored) <= 40_000
    assert there.raws() == [line[:-1] for line in lines]
    assert there.verify().finding_count == 0


def test_an_error_of_a_pack_in_a_worker_names_the_pack(deadly: Pack) -> None:
    """The error that a pack's function raised arrives as it was raised."""
    settings = [ParseSettings.of(deadly, is_lenient=False)]

    with (
        parsers(settings, 1) as pool,
        pytest.raises(PackError, match="the function behind column 'kind' failed"),
    ):
        list(pool.parse(0, [block(good(1, raises=True))]))


def test_a_pack_that_prints_does_not_disturb_the_answers(deadly: Pack) -> None:
    """A worker's standard output belongs to its answers alone."""
    settings = [ParseSettings.of(deadly, is_lenient=False)]

    with parsers(settings, 1) as pool:
        ((_piece, parsed),) = pool.parse(0, [block(goods(3))])

    assert parsed is not None
    assert [event[3] for event in parsed.events] == ["seen"] * 3


def test_a_worker_that_cannot_be_started_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The system's refusal says what to do instead."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with (
        pytest.raises(EvidentiaError, match="cannot be started: No such file") as caught,
        parsers(SETTINGS, 2),
    ):
        pass

    assert caught.value.fix is not None
    assert "--jobs 0" in caught.value.fix


def test_a_worker_does_not_import_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beside the logs that is called like a module is not run."""
    (tmp_path / "pickle.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)

    with parsers(SETTINGS, 1) as pool:
        ((_piece, parsed),) = pool.parse(0, [block(goods(3))])

    assert parsed is not None
    assert len(parsed.events) == 3


def test_workers_outlive_the_signals_that_end_their_parent_politely(tmp_path: Path) -> None:
    """SIGTERM and SIGINT to the whole group leave it to the parent to finish its batch."""
    script = (
        "import os, signal, sys\n"
        "from evidentia.event.fieldmap import FieldMap\n"
        "from evidentia.event.values import Policy\n"
        "from evidentia.ingest.parse import ParseSettings\n"
        "from evidentia.ingest.workers import parsers\n"
        "from evidentia.log.values import Block\n"
        "for each in (signal.SIGTERM, signal.SIGINT): signal.signal(each, signal.SIG_IGN)\n"
        "settings = ParseSettings(fields=FieldMap(kind=()), schema=None, policy=Policy())\n"
        "blocks = [Block(start=0, first_line=1, data=b'{}\\n')] * 4\n"
        "with parsers([settings], 2) as pool:\n"
        "    for _ in range(2):\n"
        "        os.killpg(0, signal.SIGTERM); os.killpg(0, signal.SIGINT)\n"
        "        print(sum(len(parsed.events) for _, parsed in pool.parse(0, blocks)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        cwd=tmp_path,
        env=_environment(),
        start_new_session=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr) == ("4\n4\n", "")


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """A parent that gets SIGKILL leaves no process behind, nor a traceback on the terminal."""
    script = (
        "import sys, time\n"
        "from evidentia.ingest.workers import parsers\n"
        "with parsers([], 2) as pool:\n"
        "    print(*(worker._process.pid for worker in pool._workers), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=_environment(),
        text=True,
    )
    assert parent.stdout is not None
    children = [int(each) for each in parent.stdout.readline().split()]

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    assert len(children) == 2
    assert _ended(children, seconds=20)
    _out, errors = parent.communicate()
    assert errors == ""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _ended(processes: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(_is_running(process) for process in processes):
            return True
        time.sleep(0.02)
    return False


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    # Nobody collects an orphan in a container; it has ended all the same.
    return state != "Z"


def test_the_far_end_answers_until_its_input_ends() -> None:
    """Settings in once, then blocks in and answers out."""
    requests = io.BytesIO(
        pickle.dumps(SETTINGS)
        + pickle.dumps((0, [block(good(1)), block(good(2) + good(3))]))
        + pickle.dumps((1, [block(b"[]\n")]))
    )
    replies = io.BytesIO()

    try:
        with pytest.raises(EOFError):
            worker.serve(requests, replies)
    finally:
        gc.enable()

    replies.seek(0)
    first, second = pickle.load(replies), pickle.load(replies)  # noqa: S301 - our own
    assert [len(ParsedEvents.unpacked(events)) for _, events in first] == [1, 2]
    [(found, _)] = second
    assert [each.verdict.reason for each in found.dead_letters] == ["not_object"]


def test_a_worker_that_is_idle_or_dead_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving the pool ends every worker, the dead and the deaf among them."""
    monkeypatch.setattr("evidentia.ingest.workers._END_SECONDS", 0.2)

    with parsers(SETTINGS, 2) as pool:
        assert isinstance(pool, WorkerParsers)
        processes = [each._process for each in pool._workers]
        list(pool.parse(0, [block(good(1)), block(good(2))]))
        processes[0].kill()
        processes[1].send_signal(signal.SIGSTOP)

    assert [process.returncode for process in processes] == [-9, -9]


def test_the_process_that_writes_comes_before_those_that_parse() -> None:
    """With fewer cores than processes the writer must not wait for its own parsers."""
    own = os.getpriority(os.PRIO_PROCESS, 0)

    with parsers(SETTINGS, 1) as pool:
        assert isinstance(pool, WorkerParsers)
        list(pool.parse(0, [block(good(1))]))
        found = os.getpriority(os.PRIO_PROCESS, pool._workers[0]._process.pid)

    assert found == min(own + 5, 19)


def test_blocks_are_given_while_more_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 12: no more than a bounded number of handfuls is read ahead, and one block."""
    monkeypatch.setattr("evidentia.ingest.workers._HANDFUL_BYTES", 1)
    read: list[int] = []

    def pieces() -> Iterator[Block]:
        for number in range(10 * HANDFULS_AHEAD):
            read.append(number)
            yield block(good(number))

    with parsers(SETTINGS, 1) as pool:
        reading = pool.parse(0, pieces())
        next(reading)
        ahead = len(read)
        reading.close()

    assert ahead == HANDFULS_AHEAD + 2
