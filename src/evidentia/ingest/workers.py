"""Parsing in other processes, with the results in the order of the log.

Each worker has at most one block in hand, so neither side can block the other on a full pipe; and
while this process writes the rows of one block, the workers parse the next ones.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
            # A consumer that stops early must not leave answers of this log in the pipes.
            for _piece, worker in waiting:
                if worker is not None:
                    _receive(worker)


def _next(waiting: deque[Waiting], idle: deque[subprocess.Popen[bytes]]) -> Parsed:
    piece, worker = waiting.popleft()
    if worker is None:
        return piece, None
    parsed = _receive(worker)
    idle.append(worker)
    return piece, parsed


def _send(worker: subprocess.Popen[bytes], message: object) -> None:
    if worker.stdin is None:
        raise _died(worker)
    try:
        pickle.dump(message, worker.stdin, pickle.HIGHEST_PROTOCOL)
        worker.stdin.flush()
    except OSError as error:
        raise _died(worker) from error


def _receive(worker: subprocess.Popen[bytes]) -> ParsedBlock:
    if worker.stdout is None:
        raise _died(worker)
    try:
        parsed: ParsedBlock = pickle.load(worker.stdout)  # noqa: S301 - from our own child
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise _died(worker) from error
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
    workers = [_start(hello) for _ in range(jobs)]
    try:
        yield WorkerParsers(workers)
    finally:
        for worker in workers:
            _end(worker)


def _start(hello: bytes) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "evidentia.ingest.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    if worker.stdin is not None:
        worker.stdin.write(hello)
        worker.stdin.flush()
    return worker


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
