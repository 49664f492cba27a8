"""A follower whose every wait is a step of a script: no thread, no real time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.unit.ingest.kit import PACKS, Place

from evidentia.errors import EvidentiaError
from evidentia.ingest.values import IngestReport
from evidentia.log.values import LogSource
from evidentia.service.follow import Follower, FollowOptions, Surface
from evidentia.service.wake import Alarm
from evidentia.store.writer import StoreWriter

START_US = 1_700_000_000_000_000


def nothing() -> None:
    """A step in which nothing happens."""


class Script(Alarm):
    """Alarm and clock in one: a wait takes its time at once and does the next step.

    After the last step the follower is asked to stop.
    """

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self.steps = list(steps)
        self.now = 0.0
        self.waits: list[float] = []
        self.rings = 0
        self.is_stopping = False

    def ring(self) -> None:
        """Only count it."""
        self.rings += 1

    def wait(self, seconds: float) -> bool:
        """Let time pass and do the next step; one that returns True has rung."""
        self.waits.append(seconds)
        self.now += seconds
        if not self.steps:
            self.is_stopping = True
            return True
        return self.steps.pop(0)() is True

    def clock(self) -> float:
        """Seconds since the beginning."""
        return self.now


@dataclass(kw_only=True)
class Scene:
    """A follower of a folder's logs, and what it said."""

    place: Place
    script: Script
    patterns: list[str] = field(default_factory=list)
    options: FollowOptions = field(default_factory=FollowOptions)
    reports: list[IngestReport] = field(default_factory=list)
    problems: list[EvidentiaError] = field(default_factory=list)
    reloads: int = 0
    list_problem: EvidentiaError | None = None
    open_writer: Callable[[], AbstractContextManager[StoreWriter]] | None = None

    def sources(self) -> Sequence[LogSource]:
        """The list as it is now."""
        if self.list_problem is not None:
            raise self.list_problem
        folder = self.place.folder
        return [LogSource(pattern=str(folder / each), pack="plain") for each in self.patterns]

    def should_reload(self) -> bool:
        """True once for each wish."""
        self.reloads -= 1
        return self.reloads >= 0

    def writer(self) -> AbstractContextManager[StoreWriter]:
        """The store's writing side, on the clock of the script."""
        return self.place.store.writer(
            list(PACKS.values()),
            command="follow",
            clock=lambda: START_US + round(self.script.now * 1_000_000),
            version="0",
        )

    def follow(self) -> None:
        """Follow until the script ends."""
        surface = Surface(
            should_stop=lambda: self.script.is_stopping,
            sources=self.sources,
            should_reload=self.should_reload,
            on_report=self.reports.append,
            on_problem=self.problems.append,
        )
        Follower(
            self.open_writer or self.writer,
            PACKS,
            self.options,
            surface,
            self.script.clock,
            self.script,
        ).run()

    def heartbeat_us(self) -> int:
        """When the holder of the lease was last heard of, from the beginning on."""
        ((beat,),) = self.place.rows("SELECT heartbeat_us FROM lease")
        return int(beat) - START_US
