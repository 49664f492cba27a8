"""A store brought up to the end of its ledger, by the way that any log takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from evidentia.audit.places import DROP, LedgerPlaces, SegmentPlace, ledger_source, places_of
from evidentia.errors import DivergenceError, EvidentiaError
from evidentia.ingest.plan import plan_of
from evidentia.ingest.run import Ingester, Target
from evidentia.ingest.values import IngestOptions, IngestReport, Watch
from evidentia.log.discovery import Discovery, look_at
from evidentia.log.values import LogFile, LogSource
from evidentia.pack.contract import Pack
from evidentia.store.writer import StoreWriter


class CatchUp:
    """Reads what a ledger has and its store lacks, again and again.

    Nothing may append to the ledger meanwhile, but whoever calls this: bytes that are not on the
    disk yet must not reach the store.

    Args:
        writer: The store.
        packs: Every pack by name.
        folder: The ledger.
        clock: Monotonic seconds.
        source: The entry of the allow-list that leads to the ledger, if it has one of its own.
        options: How to ingest.
    """

    def __init__(
        self,
        writer: StoreWriter,
        packs: Mapping[str, Pack],
        folder: Path,
        clock: Callable[[], float],
        source: LogSource | None = None,
        options: IngestOptions | None = None,
    ) -> None:
        self.writer = writer
        self.packs = packs
        self.folder = folder
        self.source = source or ledger_source(folder)
        self.options = options or IngestOptions(jobs=0)
        target = Target(sink=writer)
        self._ingester = Ingester(target, packs, self.options, Watch(clock=clock))

    def places(self) -> LedgerPlaces:
        """Where the ledger stands in the store now."""
        return places_of(self.folder, self.writer.segments())

    def require_continued(self) -> None:
        """Pass if the ledger holds what the store has read of the segment that grows.

        Raises:
            DivergenceError: It holds other bytes there, or fewer.
            LogError: The ledger cannot be read.
        """
        place = self.places().files[-1]
        file = look_at(place.path, self.source)
        if file is not None:
            self._require_continued(place, file)

    def run(self) -> IngestReport:
        """Read all that is new, in ledger order.

        Raises:
            DivergenceError: What was read before is not what the ledger holds; nothing was written.
            LogError: The ledger cannot be read; what came before the fault is stored.
            StoreError: The store refuses or fails; batches committed before stay.
        """
        # Only these: a ledger may have a thousand segments that will never change.
        files = tuple(self._behind())
        report = self._ingester.run(Discovery(files=files, problems=(), sources=()))
        for problem in _problems(report):
            raise problem
        return report

    def _behind(self) -> Iterator[LogFile]:
        for place in self.places().files:
            if place.size == place.checkpoint:
                continue
            file = look_at(place.path, self.source)
            if file is not None:
                self._require_continued(place, file)
                # Nobody appends meanwhile, so all that is there was acknowledged, whether or not
                # the writer's note of it could be written.
                yield replace(file, acknowledged=None)

    def _require_continued(self, place: SegmentPlace, file: LogFile) -> None:
        segment = place.segment
        if segment is not None and plan_of(file, segment, self.options.limits) is None:
            raise DivergenceError(
                f"the store has read {segment.checkpoint} bytes of this segment, and they are not"
                " those that the ledger holds",
                where=str(place.path),
                fix=DROP,
            )


def _problems(report: IngestReport) -> Iterator[EvidentiaError]:
    yield from report.problems
    for file in report.files:
        if file.problem is not None:
            yield file.problem
