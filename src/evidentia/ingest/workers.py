"""Parsing in other processes, with the results in the order of the log.

Each worker has at most one block in hand, so neither side can block the other on a full pipe; and
while this process writes the rows of one block, the workers parse the next ones.
"""

from __future__ import annotations

import gc
import marshal
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from evidentia.errors import EvidentiaError
from evidentia.ingest.parse import LineParser, ParsedBlock, ParseSettings
from evidentia.log.values import Block, Piece

Parsed: TypeAlias = tuple[Piece, ParsedBlock | None]
Waiting: TypeAlias = tuple[Piece, subprocess.Popen[bytes] | None]
_END_SECONDS: Final = 5.0


class InlineParsers:
    """Parses in this process."""

    def __init__(self, settings: Sequence[ParseSettings]) -> None:
        self._parsers = [LineParser(each) for each in settings]

    def parse(self, number: int, pieces: Iterable[Piece]) -> Generator[Parsed, None, None]:
        """Each piece with what it holds; pieces that are not blocks pass through."""
        parser = self._parsers[number]
        for piece in pieces:
            yield piece, parser.parse(piece) if isinstance(piece, Block) else None


class WorkerParsers:
    """Parses in worker processes, in the same order."""

    def __init__(self, workers: Sequence[subprocess.Popen[bytes]]) -> None:
        self._workers = workers

    def parse(self, number: int, pieces: Iterable[Piece]) -> Generator[Parsed, None, None]:
        """Each piece with what it holds; pieces that are not blocks pass through."""
        idle = deque(self._workers)
        waiting: deque[Waiting] = deque()
        try:
            for piece in pieces:
                ready: list[Parsed] = []
                worker = None
                if isinstance(piece, Block):
                    while not idle:
                        ready.append(_next(waiting, idle))
                    worker = idle.popleft()
                    _send(worker, (number, piece))
                waiting.append((piece, worker))
                # Only now, with every worker busy, does the caller get rows to write.
                yield from ready
            while waiting:
                yield _next(waiting, idle)
        finally:
            _drain(waiting)


def _drain(waiting: Iterable[Waiting]) -> None:
    """Leave no answers in the pipes: the next log would take them for its own."""
    for _piece, worker in waiting:
        if worker is not None:
            # What failed in blocks that nobody waits for any more is found again next time.
            with suppress(EvidentiaError):
                _receive(worker)


def _next(waiting: deque[Waiting], idle: deque[subprocess.Popen[bytes]]) -> Parsed:
    piece, worker = waiting.popleft()
    if worker is None:
        return piece, None
    parsed = _receive(worker)
    idle.append(worker)
    return piece, parsed


def _send(worker: subprocess.Popen[bytes], message: object) -> None:
    _send_bytes(worker, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))


def _send_bytes(worker: subprocess.Popen[bytes], data: bytes) -> None:
    if worker.stdin is None:
        raise _died(worker)
    try:
        worker.stdin.write(data)
        worker.stdin.flush()
    except OSError as error:
        raise _died(worker) from error


def _receive(worker: subprocess.Popen[bytes]) -> ParsedBlock:
    if worker.stdout is None:
        raise _died(worker)
    try:
        answer, events = pickle.load(worker.stdout)  # noqa: S301 - our child
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise _died(worker) from error
    if isinstance(answer, EvidentiaError):
        raise answer
    parsed: ParsedBlock = answer
    parsed.events = marshal.loads(events)  # noqa: S302 - our child
    return parsed


def _died(worker: subprocess.Popen[bytes]) -> EvidentiaError:
    return EvidentiaError(
        f"a parser process died (status {worker.poll()}); nothing of its block was stored",
        where=f"process {worker.pid}",
        fix="run the same command again; with --jobs 0 everything is parsed in one process",
    )


@contextmanager
def parsers(
    settings: Sequence[ParseSettings], jobs: int
) -> Iterator[InlineParsers | WorkerParsers]:
    """Parsers in ``jobs`` processes, or in this one when ``jobs`` is 0."""
    try:
        hello = pickle.dumps(list(settings), pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        # A pack made of lambdas cannot be sent; it is merely parsed here.
        jobs = 0
        hello = b""
    if jobs == 0:
        yield InlineParsers(settings)
        return
    workers: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(jobs):
            workers.append(_start())
            _send_bytes(workers[-1], hello)
        with _no_search_for_cycles():
            yield WorkerParsers(workers)
    finally:
        for worker in workers:
            _end(worker)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Hundreds of thousands of live tuples would be walked again and again for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _start() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        return subprocess.Popen(
            # -P: a file in the current folder must not pass for a module.
            [sys.executable, "-P", "-m", "evidentia.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise EvidentiaError(
            f"a parser process cannot be started: {error.strerror}",
            where=sys.executable,
            fix="free memory or processes; with --jobs 0 everything is parsed in one process",
        ) from error


def _end(worker: subprocess.Popen[bytes]) -> None:
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                # A worker that died already took its end of the pipe with it.
                continue
    try:
        worker.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
