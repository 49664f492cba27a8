"""What does the work of a pass, made once for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.ingest.reading import FileReader
from evidentia.ingest.values import BatchSink, IngestOptions, Watch
from evidentia.ingest.workers import InlineParsers, WorkerParsers
from evidentia.log.values import LogSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What does the work of a pass.

    Attributes:
        numbers: Which parser of the pool reads which kind of log (pack and strictness).
    """

    sink: BatchSink
    pool: InlineParsers | WorkerParsers
    numbers: Mapping[tuple[str, bool], int]
    settings: Mapping[tuple[str, bool], ParseSettings]
    parsers: Mapping[tuple[str, bool], LineParser]
    options: IngestOptions
    watch: Watch

    def reader(self, source: LogSource) -> FileReader:
        """The reader of one kind of log."""
        key = (source.pack, source.is_lenient)
        return FileReader(
            sink=self.sink,
            pool=self.pool,
            number=self.numbers[key],
            parser=self.parsers[key],
            options=self.options,
            watch=self.watch,
        )
