"""The composition root: configuration in, a workspace out. Wiring lives here only."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial

from evidentia import __version__
from evidentia.app.configuration import Config
from evidentia.audit.keys import read_seal_options
from evidentia.audit.recover import find_damage, recover
from evidentia.audit.values import RecoverReport, VerifyReport
from evidentia.audit.verify import VerifyOptions, verify
from evidentia.errors import EvidentiaError
from evidentia.ingest.rehearsal import Rehearsal
from evidentia.ingest.run import Target, ingest
from evidentia.ingest.values import IngestOptions, IngestReport, Watch
from evidentia.log.discovery import Discovery, discover
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.pack.registry import find_pack, load_packs
from evidentia.projection.check import (
    ProjectionCheck,
    ProjectionStatus,
    check,
    chosen,
    projections,
)
from evidentia.service.background import Background
from evidentia.service.follow import Follower, FollowOptions, Surface
from evidentia.service.wake import Alarm
from evidentia.store.opening import Store
from evidentia.store.projections import Merging
from evidentia.store.writer import StoreWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A configuration with its packs found: everything a command needs.

    Attributes:
        packs: Every installed pack by name.
    """

    config: Config
    packs: Mapping[str, Pack]

    @property
    def store(self) -> Store:
        """The store of this workspace."""
        return self.config.store

    def pack(self, name: str) -> Pack:
        """An installed pack by name.

        Raises:
            UsageError: There is none of that name.
        """
        return find_pack(name, self.packs)

    def ingest(
        self,
        sources: Sequence[LogSource],
        watch: Watch,
        options: IngestOptions,
        *,
        is_dry_run: bool = False,
    ) -> IngestReport:
        """One pass over ``sources``.

        Raises:
            StoreError: The store refuses or fails; batches committed before stay.
            StoreHeldError: Another process is ingesting into this store.
            UsageError: A source names a pack that is not installed.
        """
        for name in sorted({source.pack for source in sources}):
            self.pack(name)
        discovery = discover(sources)
        if is_dry_run:
            return self._rehearse(discovery, options, watch)
        with self.writer("ingest", watch.on_merge) as writer:
            loaded = {source.pack for source in sources}
            bulk = None if writer.has_events() else partial(writer.bulk, loaded)
            target = Target(sink=writer, bulk=bulk)
            return ingest(target, discovery, self.packs, options, watch)

    def follow(self, options: FollowOptions, surface: Surface, alarm: Alarm) -> None:
        """Follow logs until ``surface.should_stop`` says so.

        Raises:
            StoreHeldError: Another process holds the store, or has taken it over.
            StoreError: The store is another program's, a newer version's, or damaged.
            UsageError: A source names a pack that is not installed.
        """
        Follower(
            lambda: self.writer("follow"), self.packs, options, surface, time.monotonic, alarm
        ).run()

    def follow_in_background(
        self, sources: Sequence[LogSource] | None = None, options: FollowOptions | None = None
    ) -> Background:
        """Follow logs in a thread, and return at once.

        Nothing is raised into the calling program, then or later; ``Background.problem`` tells
        what went wrong. The thread ends with the process, or with ``Background.stop``.

        Args:
            sources: The logs; those of the configuration by default.
            options: How; those of the configuration by default.
        """
        background = Background()
        wanted = self.config.sources if sources is None else tuple(sources)

        def count(report: IngestReport) -> None:
            background.events += report.events

        def remember(problem: EvidentiaError) -> None:
            background.problem = problem

        surface = Surface(
            should_stop=lambda: background.is_stopping,
            sources=lambda: wanted,
            on_report=count,
            on_problem=remember,
        )
        how = options or FollowOptions(ingest=self.config.options)
        background.start(lambda: self.follow(how, surface, background.alarm))
        return background

    def _rehearse(self, discovery: Discovery, options: IngestOptions, watch: Watch) -> IngestReport:
        with ExitStack() as stack:
            stored = stack.enter_context(self.store.reader()) if self.store.exists() else None
            rehearsal = Rehearsal(stored.segments() if stored else (), stored)
            target = Target(sink=rehearsal, is_dry_run=True)
            return ingest(target, discovery, self.packs, options, watch)

    def verify(self, options: VerifyOptions) -> VerifyReport:
        """Compare the store with its logs. Reads only.

        Raises:
            ConfigError: A key that the configuration names cannot be read.
        """
        configured = {
            pattern: read_seal_options(references, os.environ)
            for pattern, references in self.config.seals.items()
        }
        with self.store.reader() as reader:
            seals = {**configured, **options.seals}
            return verify(reader, self.packs, replace(options, seals=seals))

    def recover(self) -> RecoverReport:
        """Put back what the logs give wherever the store was damaged; summaries follow.

        Raises:
            StoreHeldError: Another process is writing to this store.
        """
        limits = self.config.options.limits
        with self.store.reader() as reader:
            damage = find_damage(reader, self.packs, limits)
        with self.writer("recover") as writer:
            report = recover(writer, self.packs, damage, limits)
            writer.rebuild_outdated_projections()
            return report

    def projections(self) -> tuple[ProjectionStatus, ...]:
        """Every declared projection, and how it stands in the store."""
        with self.store.reader() as reader:
            return projections(reader, self.packs)

    def check_projections(
        self, names: Sequence[str] = (), sample: int | None = None
    ) -> tuple[ProjectionCheck, ...]:
        """Compute projections anew, all or those named, and compare. Reads only, one snapshot.

        Raises:
            UsageError: There is no such projection, or the sample is out of range.
        """
        wanted = chosen(names, self.packs)
        with self.store.reader() as reader:
            return tuple(check(reader, self.packs, name, sample) for name in wanted)

    def rebuild_projections(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """Make projections anew from the stored events, all or those named, and return the names.

        Raises:
            StoreHeldError: Another process is writing to this store.
            UsageError: There is no such projection.
        """
        wanted = chosen(names, self.packs)
        with self.writer("projection rebuild") as writer:
            for name in wanted:
                writer.rebuild_projection(name)
        return wanted

    def writer(
        self, command: str, on_merge: Merging | None = None
    ) -> AbstractContextManager[StoreWriter]:
        """The store's writing side, with room for the columns of every installed pack.

        The lease is held while it is open. ``on_merge`` is told how far projections have come that
        are made of stored events, which takes long in a large store.
        """
        return self.store.writer(
            list(self.packs.values()),
            command=command,
            clock=utc_microseconds,
            version=__version__,
            on_merge=on_merge,
        )


def open_workspace(config: Config) -> Workspace:
    """The workspace of a configuration, with every installed pack loaded.

    Raises:
        PackError: A pack does not load.
    """
    return Workspace(config=config, packs=load_packs())


def utc_microseconds() -> int:
    """The time now, in UTC microseconds."""
    return time.time_ns() // 1_000
