"""Parsing in other processes, with the results in the order of the log.

A thread for each worker hands it a handful of blocks at a time and fetches the answers, so neither
side can block the other on a full pipe, and the workers go on while this process commits a batch.
"""

from __future__ import annotations

import gc
import itertools
import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, TypeAlias

from evidentia.errors import EvidentiaError, LogError
from evidentia.ingest.parse import LineParser, ParsedBlock, ParsedEvents, ParseSettings
from evidentia.ingest.worker import Answer, Message
from evidentia.log.values import Block, Piece

Parsed: TypeAlias = tuple[Piece, ParsedBlock | None]
Waiting: TypeAlias = tuple[Sequence[Piece], Future[Sequence[Answer]] | None]
_END_SECONDS: Final = 5.0
_HANDFUL_BYTES: Final = 1024 * 1024
"""Blocks that go to a worker together: each errand costs as much as some dozens of lines."""
HANDFULS_AHEAD: Final = 24
"""Handfuls that may be read and parsed ahead of the batch being committed: about as many as fill
the next one. Each holds its bytes twice, in the log's form and in the answer's."""


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

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers

    def parse(self, number: int, pieces: Iterable[Piece]) -> Generator[Parsed, None, None]:
        """Each piece with what it holds; pieces that are not blocks pass through."""
        turns = itertools.cycle(self._workers)
        waiting: deque[Waiting] = deque()
        fault: LogError | None = None
        try:
            try:
                for handful in _handfuls(pieces):
                    blocks = [each for each in handful if isinstance(each, Block)]
                    waiting.append((handful, next(turns).ask(number, blocks) if blocks else None))
                    if len(waiting) > HANDFULS_AHEAD:
                        yield from _next(waiting)
            except LogError as error:
                # What was read before the fault is stored, as it is without workers.
                fault = error
            while waiting:
                yield from _next(waiting)
            if fault is not None:
                raise fault
        finally:
            # What has not been sent yet never is; an answer on its way is fetched by its thread,
            # so that the next log cannot take it for its own.
            for _handful, answers in waiting:
                if answers is not None:
                    answers.cancel()


def _handfuls(pieces: Iterable[Piece]) -> Iterator[Sequence[Piece]]:
    """Blocks that follow each other together, and every other piece for itself."""
    blocks: list[Piece] = []
    size = 0
    try:
        for piece in pieces:
            length = len(piece.data) if isinstance(piece, Block) else _HANDFUL_BYTES
            if blocks and size + length > _HANDFUL_BYTES:
                yield blocks
                blocks, size = [], 0
            if isinstance(piece, Block):
                blocks.append(piece)
                size += length
            else:
                yield (piece,)
    except LogError:
        if blocks:
            yield blocks
        raise
    if blocks:
        yield blocks


def _next(waiting: deque[Waiting]) -> Iterator[Parsed]:
    handful, answers = waiting.popleft()
    if answers is None:
        yield from ((piece, None) for piece in handful)
        return
    for piece, (found, events) in zip(handful, answers.result(), strict=True):
        if isinstance(found, EvidentiaError):
            raise found
        found.events = ParsedEvents.unpacked(events)
        yield piece, found


class Worker:
    """A parser process and the thread that talks to it."""

    def __init__(self, settings: bytes) -> None:
        self._process = _start()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._thread.submit(_send_bytes, self._process, settings)

    def ask(self, number: int, blocks: list[Block]) -> Future[Sequence[Answer]]:
        """What some blocks hold, as soon as the worker has come to them."""
        return self._thread.submit(_exchange, self._process, (number, blocks))

    def end(self) -> None:
        """End the process; its input ends, and it with that."""
        self._thread.shutdown(cancel_futures=True)
        _end(self._process)


def _exchange(process: subprocess.Popen[bytes], message: Message) -> Sequence[Answer]:
    _send_bytes(process, pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    if process.stdout is None:
        raise _died(process)
    try:
        answers: Sequence[Answer] = pickle.load(process.stdout)  # noqa: S301 - our child
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise _died(process) from error
    return answers


def _send_bytes(worker: subprocess.Popen[bytes], data: bytes) -> None:
    if worker.stdin is None:
        raise _died(worker)
    try:
        worker.stdin.write(data)
        worker.stdin.flush()
    except OSError as error:
        raise _died(worker) from error


def _died(worker: subprocess.Popen[bytes]) -> EvidentiaError:
    with suppress(subprocess.TimeoutExpired):
        # Its pipes close a moment before it can be asked how it ended.
        worker.wait(_END_SECONDS)
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
    workers: list[Worker] = []
    try:
        workers.extend(Worker(hello) for _ in range(jobs))
        with _no_search_for_cycles():
            yield WorkerParsers(workers)
    finally:
        for worker in workers:
            worker.end()


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
    # Held back from the very beginning: a signal to the whole group must not end a worker that has
    # not come as far as ignoring it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
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
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
