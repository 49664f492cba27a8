"""Follows logs: look, read, wait, until asked to stop.

What a log holds is found out by looking; file events only shorten the wait. When little comes, each
look commits what is there; when much comes, looks take longer and their batches grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Final

from evidentia.errors import (
    EvidentiaError,
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreHeldError,
    StoreVersionError,
)
from evidentia.ingest.held import Held
from evidentia.ingest.run import Ingester, Target
from evidentia.ingest.values import IngestOptions, IngestReport, Watch
from evidentia.log.discovery import discover
from evidentia.log.values import MEBIBYTE, LogSource
from evidentia.pack.contract import Pack
from evidentia.service.wake import Alarm, FolderWatch
from evidentia.store.writer import StoreWriter

TURN_BYTES: Final = 4 * MEBIBYTE
"""How much of one log is read before the others get their turn."""
HEARTBEAT_SECONDS: Final = 5.0
"""How often an idle follower shows that it lives; less than ``store.lease.STALE_SECONDS``."""
WATCHED_PAUSE_SECONDS: Final = 0.25
"""Between two looks where file events come in, in case one was lost."""
BLIND_PAUSE_SECONDS: Final = 0.05
"""Between two looks where no file events come in."""
SETTLE_SECONDS_MAX: Final = 0.03
"""How long a busy follower lets lines gather before it looks again."""
RETRY_SECONDS_MIN: Final = 0.1
RETRY_SECONDS_MAX: Final = 30.0
"""Between two tries at a store that refuses; each waits twice as long as the one before."""
DRAIN_SECONDS: Final = 3.0
"""How long a follower that was asked to stop goes on reading what is there."""
_LINE_BYTES: Final = 300
"""About how long a line is, where a rate in events has to become one in bytes."""
_SLICE_BYTES_MIN: Final = 4 * 1024
_HOPELESS: Final = (StoreHeldError, StoreForeignError, StoreVersionError, StoreDamagedError)
"""What a store does not recover from by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """How to follow.

    Attributes:
        interval_seconds: Look this often and do not listen for file events; None looks whenever
            something changes.
        rate: Store at most about this many events a second; None stores as fast as it can.
    """

    ingest: IngestOptions = field(default_factory=IngestOptions)
    interval_seconds: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What a follower asks and tells whoever started it.

    Attributes:
        should_stop: True ends it, after what is there was read.
        sources: The allow-list; asked for again whenever ``should_reload`` says so.
        should_reload: True once for each wish to read the allow-list again.
        on_report: Told what each look did that found anything.
        on_problem: Told what went wrong, once until it changes.
    """

    should_stop: Callable[[], bool]
    sources: Callable[[], Sequence[LogSource]]
    should_reload: Callable[[], bool] = lambda: False
    on_report: Callable[[IngestReport], None] = lambda _report: None
    on_problem: Callable[[EvidentiaError], None] = lambda _problem: None


class Follower:
    """Follows the logs of a list into one store.

    Args:
        open_writer: Opens the store's writing side and holds its lease.
        packs: Every pack by name.
        options: How to follow.
        surface: Whom to ask and tell.
        clock: Monotonic seconds.
        alarm: Wakes it; whoever asks it to stop rings.
    """

    def __init__(
        self,
        open_writer: Callable[[], AbstractContextManager[StoreWriter]],
        packs: Mapping[str, Pack],
        options: FollowOptions,
        surface: Surface,
        clock: Callable[[], float],
        alarm: Alarm,
    ) -> None:
        self._open_writer = open_writer
        self._packs = packs
        self._options = options
        self._surface = surface
        self._clock = clock
        self._alarm = alarm
        self._sources: Sequence[LogSource] = ()
        self._told: set[str] = set()
        self._stop_by: float | None = None
        self._heard = clock()
        self._has_wish = False
        self._pause = RETRY_SECONDS_MIN
        self._held = Held(clock)

    def run(self) -> None:
        """Follow until asked to stop. A store that refuses is tried again; nothing is lost by it.

        Raises:
            StoreHeldError: Another process holds the store, or has taken it over.
            StoreError: The store is another program's, a newer version's, or damaged.
            UsageError: A source names a pack that is not installed.
        """
        self._sources = self._surface.sources()
        try:
            while not self._has_ended():
                self._alarm.wait(self._pause)
                self._pause = min(2 * self._pause, RETRY_SECONDS_MAX)
        finally:
            self._held.close()

    def _has_ended(self) -> bool:
        """Follow; whether that ended as it was asked to, and not because the store refused."""
        try:
            with self._open_writer() as writer:
                self._follow(writer)
        except _HOPELESS:
            raise
        except StoreError as problem:
            self._tell(problem)
            if self._is_asked_to_stop():
                raise
            return False
        return True

    def _follow(self, writer: StoreWriter) -> None:
        options = self._ingest_options()
        watch = Watch(clock=self._clock, should_stop=self._must_stop_now)
        # Files stay open while the store refuses: a full disk is when logs are deleted.
        ingester = Ingester(Target(sink=writer), self._packs, options, watch, held=self._held)
        while self._follow_list(writer, ingester):
            self._reload()

    def _ingest_options(self) -> IngestOptions:
        """Small turns and, where there is a rate, blocks of about a quarter of a second."""
        options = replace(self._options.ingest, turn_bytes=TURN_BYTES, jobs=0)
        if self._options.rate is None:
            return options
        size = int(max(_SLICE_BYTES_MIN, self._options.rate * _LINE_BYTES / 4))
        size = min(size, options.limits.block_bytes)
        limits = replace(options.limits, block_bytes=size)
        return replace(options, turn_bytes=size, limits=limits)

    def _follow_list(self, writer: StoreWriter, ingester: Ingester) -> bool:
        """Follow until asked to stop (False) or to read the list again (True)."""
        listened = self._sources if self._options.interval_seconds is None else ()
        with FolderWatch(listened, self._alarm) as folders:
            while True:
                is_last = self._is_asked_to_stop()
                began = self._clock()
                report = ingester.run(discover(self._sources))
                self._pause = RETRY_SECONDS_MIN
                self._tell_of(report)
                if report.events or report.dead_letters:
                    self._heard = began
                if is_last and (self._must_stop_now() or not report.has_more):
                    return False
                if self._is_reload_wished():
                    return True
                self._rest(writer, report, self._clock() - began, folders)

    def _rest(
        self, writer: StoreWriter, report: IngestReport, took: float, folders: FolderWatch
    ) -> None:
        """Wait for something to do, as long as the last look suggests."""
        if self._options.rate is not None and report.events:
            self._sleep(writer, report.events / self._options.rate - took)
        if report.has_more or self._is_asked_to_stop():
            return
        if self._options.interval_seconds is not None:
            self._sleep(writer, self._options.interval_seconds)
            return
        if report.events:
            self._sleep(writer, min(took, SETTLE_SECONDS_MAX))
        # Looking at thousands of files takes a while; doing nothing else would burn a core.
        pause = WATCHED_PAUSE_SECONDS if folders.is_watching else BLIND_PAUSE_SECONDS
        self._alarm.wait(max(pause, 2 * took))
        self._show_life(writer)

    def _sleep(self, writer: StoreWriter, seconds: float) -> None:
        """Wait so long whatever changes, unless asked to stop or to read the list again."""
        until = self._clock() + seconds
        has_rung = False
        while (left := until - self._clock()) > 0 and not self._is_wanted():
            has_rung = self._alarm.wait(min(left, HEARTBEAT_SECONDS)) or has_rung
            self._show_life(writer)
        if has_rung:
            self._alarm.ring()

    def _is_wanted(self) -> bool:
        return self._is_asked_to_stop() or self._is_reload_wished()

    def _is_reload_wished(self) -> bool:
        # Asked once for each wish, so it is remembered until it is fulfilled.
        self._has_wish = self._has_wish or self._surface.should_reload()
        return self._has_wish

    def _show_life(self, writer: StoreWriter) -> None:
        if self._clock() - self._heard > HEARTBEAT_SECONDS:
            writer.renew()
            self._heard = self._clock()

    def _reload(self) -> None:
        self._has_wish = False
        try:
            self._sources = self._surface.sources()
        except EvidentiaError as problem:
            # The list as it was is better than none.
            self._tell(problem)

    def _is_asked_to_stop(self) -> bool:
        if self._stop_by is None and self._surface.should_stop():
            self._stop_by = self._clock() + DRAIN_SECONDS
        return self._stop_by is not None

    def _must_stop_now(self) -> bool:
        return self._is_asked_to_stop() and self._clock() > (self._stop_by or 0.0)

    def _tell_of(self, report: IngestReport) -> None:
        if report.events or report.dead_letters or report.gaps:
            self._surface.on_report(report)
        problems = [*report.problems, *(file.problem for file in report.files if file.problem)]
        now = {str(problem) for problem in problems}
        for problem in problems:
            if str(problem) not in self._told:
                self._surface.on_problem(problem)
        self._told = now

    def _tell(self, problem: EvidentiaError) -> None:
        if str(problem) not in self._told:
            self._surface.on_problem(problem)
            self._told.add(str(problem))
