"""Passes over all logs: look, decide, read, commit, and say what became of each file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Final

from evidentia.errors import LogError, UsageError
from evidentia.ingest.crew import Crew
from evidentia.ingest.held import Held
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.ingest.passing import Pass
from evidentia.ingest.plan import Inode, Memory, inode_of, inspected
from evidentia.ingest.sight import Sight
from evidentia.ingest.values import (
    BULK_BYTES,
    BatchSink,
    FileReport,
    IngestOptions,
    IngestReport,
    Watch,
)
from evidentia.ingest.workers import InlineParsers, WorkerParsers, parsers
from evidentia.log.discovery import Discovery, discover
from evidentia.log.names import stored_path
from evidentia.log.values import Compression, LogFile, LogSource
from evidentia.pack.contract import Pack
from evidentia.store.values import Segment

_JOBS_MAX: Final = 4
_LOOKS_MAX: Final = 5
"""Looks at the files in one run; each but the first only because a rotation is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a run's batches go.

    Attributes:
        bulk: Enters the mode for a large load into a store without events; None when the store
            holds events already.
    """

    sink: BatchSink
    bulk: Callable[[], AbstractContextManager[None]] | None = None
    is_dry_run: bool = False


def ingest(
    target: Target,
    discovery: Discovery,
    packs: Mapping[str, Pack],
    options: IngestOptions,
    watch: Watch,
) -> IngestReport:
    """Read every file's new bytes into the store, and say what became of each.

    A file that cannot be read is reported and the others go on. What was committed stays
    committed, whatever happens later.

    Raises:
        StoreError: The store refuses or fails; batches committed before stay.
        UsageError: A source names a pack that does not exist.
    """
    ingester = Ingester(target, packs, options, watch)
    try:
        return ingester.run(discovery)
    finally:
        ingester.close()


class Ingester:
    """Reads logs into a store, one run after the other, and remembers what spares work.

    Args:
        target: Where batches go.
        packs: Every pack by name.
        options: How to ingest.
        watch: What is told and asked meanwhile.
        holds_open: Keep live files open between runs, so that lines that are written to a file
            after it went out of the list are read too.
        held: Where they are held, when that outlives this ingester.
    """

    def __init__(
        self,
        target: Target,
        packs: Mapping[str, Pack],
        options: IngestOptions,
        watch: Watch,
        *,
        holds_open: bool = False,
        held: Held | None = None,
    ) -> None:
        self._target = target
        self._packs = packs
        self._options = options
        self._watch = watch
        self._memory = Memory()
        self._own = Held(watch.clock) if holds_open and held is None else None
        self._held = held or self._own
        self._parsers: dict[tuple[str, bool], LineParser] = {}
        self._inline: tuple[tuple[ParseSettings, ...], InlineParsers] | None = None

    def close(self) -> None:
        """Close what is held open."""
        if self._own is not None:
            self._own.close()

    def run(self, discovery: Discovery) -> IngestReport:
        """Look at every file, read what is new, and end the segments that no file continues.

        A segment is ended only when two looks in a row see the same files, so that a rotation in
        between is not taken for a loss.

        Raises:
            StoreError: The store refuses or fails; batches committed before stay.
            UsageError: A source names a pack that does not exist.
        """
        began = self._watch.clock()
        reports: dict[str, FileReport] = {}
        with ExitStack() as stack:
            crew = self._crew(discovery, stack)
            done = self._pass(crew, discovery, reports)
            for _ in range(_LOOKS_MAX - 1):
                if done.is_stopped or done.is_settled:
                    break
                fresh = discover(discovery.sources) if discovery.sources else discovery
                if not done.is_disturbed and _names(fresh) == _names(discovery):
                    break
                discovery = fresh
                done = self._pass(crew, discovery, reports)
            is_sure = not (done.is_stopped or done.is_disturbed)
            endings = done.end_segments() if is_sure else ()
            self._hold(done)
        return IngestReport(
            files=tuple(_in_order(reports, discovery)),
            problems=discovery.problems,
            seconds=self._watch.clock() - began,
            is_stopped=done.is_stopped,
            is_dry_run=self._target.is_dry_run,
            endings=endings,
        )

    def _pass(self, crew: Crew, discovery: Discovery, reports: dict[str, FileReport]) -> Pass:
        sight = Sight.of(discovery, self._target.sink.segments(), self._held)
        done = Pass(crew, sight, self._memory)
        for report in done.run():
            _merge(reports, report)
        return done

    def _crew(self, discovery: Discovery, stack: ExitStack) -> Crew:
        unread_bytes = self._unread_bytes(discovery)
        self._watch.on_total(unread_bytes)
        settings = self._settings(discovery.sources or _sources_of(discovery.files))
        is_bulk = self._target.bulk is not None and unread_bytes >= BULK_BYTES
        pool = self._pool(
            self._counting(settings) if is_bulk else settings,
            _jobs(self._options, unread_bytes),
            stack,
        )
        if self._target.bulk is not None and is_bulk:
            stack.enter_context(self._target.bulk())
        return Crew(
            sink=self._target.sink,
            pool=pool,
            numbers={key: number for number, key in enumerate(settings)},
            settings=settings,
            parsers={key: self._parser(key, each) for key, each in settings.items()},
            options=self._options,
            watch=self._watch,
        )

    def _counting(
        self, settings: Mapping[tuple[str, bool], ParseSettings]
    ) -> Mapping[tuple[str, bool], ParseSettings]:
        """The same, so that what the events add to summaries is counted where they are parsed."""
        return {
            (pack, is_lenient): replace(each, summaries=self._packs[pack].summaries)
            for (pack, is_lenient), each in settings.items()
        }

    def _pool(
        self, settings: Mapping[tuple[str, bool], ParseSettings], jobs: int, stack: ExitStack
    ) -> InlineParsers | WorkerParsers:
        if jobs:
            return stack.enter_context(parsers(list(settings.values()), jobs))
        wanted = tuple(settings.values())
        if self._inline is None or self._inline[0] != wanted:
            self._inline = (wanted, InlineParsers(wanted))
        return self._inline[1]

    def _parser(self, key: tuple[str, bool], settings: ParseSettings) -> LineParser:
        if key not in self._parsers:
            self._parsers[key] = LineParser(settings)
        return self._parsers[key]

    def _unread_bytes(self, discovery: Discovery) -> int:
        """How much there is to read, as far as inodes and archives tell before anything is read."""
        known = {
            (segment.device, segment.inode): segment for segment in self._target.sink.segments()
        }
        return sum(self._unread_bytes_of(file, known) for file in discovery.files)

    def _unread_bytes_of(self, file: LogFile, known: Mapping[Inode, Segment]) -> int:
        segment = known.get(inode_of(file))
        if segment is not None and file.compression is not Compression.NONE:
            return 0
        try:
            size = inspected(file, self._options.limits, self._memory).decompressed_bytes
        except LogError:
            # It is told when the file's turn comes.
            return 0
        return max(0, size - (segment.checkpoint if segment else 0))

    def _settings(self, sources: Sequence[LogSource]) -> dict[tuple[str, bool], ParseSettings]:
        settings: dict[tuple[str, bool], ParseSettings] = {}
        for source in sources:
            if source.pack not in self._packs:
                raise UsageError(
                    f"there is no pack {source.pack!r}",
                    where=source.pattern,
                    fix="list the packs: evidentia packs",
                )
            key = (source.pack, source.is_lenient)
            pack = self._packs[source.pack]
            settings.setdefault(key, ParseSettings.of(pack, is_lenient=source.is_lenient))
        return settings

    def _hold(self, done: Pass) -> None:
        if self._held is None:
            return
        for file in done.finished_files:
            self._held.drop(file)
        for file in done.live_files:
            if file not in done.finished_files:
                self._held.add(file)


def _jobs(options: IngestOptions, unread_bytes: int) -> int:
    if options.jobs is not None:
        return options.jobs
    if unread_bytes < BULK_BYTES:
        return 0
    # As many as there are cores, though one process writes: parsing and counting take longer than
    # writing, and on two cores two parsers share what the writer leaves of them.
    return min(_JOBS_MAX, os.cpu_count() or 1)


def _sources_of(files: Sequence[LogFile]) -> tuple[LogSource, ...]:
    return tuple(dict.fromkeys(file.source for file in files))


def _names(discovery: Discovery) -> set[tuple[str, int, int]]:
    return {(stored_path(file.path), file.device, file.inode) for file in discovery.files}


def _merge(reports: dict[str, FileReport], new: FileReport) -> None:
    """Add what a later look found of a file to what an earlier one did."""
    old = reports.get(new.path)
    reports[new.path] = new if old is None else new.after(old)


def _in_order(reports: Mapping[str, FileReport], discovery: Discovery) -> Iterator[FileReport]:
    """Reports in the order of the list; files that it does not lead to any more come first."""
    order = {stored_path(file.path): place for place, file in enumerate(discovery.files)}
    yield from sorted(reports.values(), key=lambda report: order.get(report.path, -1))
