"""One pass over all logs: plan each file, read it, commit batches, report what became of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from evidentia.errors import LogError, UsageError
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.ingest.plan import Plan, Refusal, plan_files
from evidentia.ingest.reading import FileReader, Task
from evidentia.ingest.values import (
    BULK_BYTES,
    BatchSink,
    FileReport,
    IngestOptions,
    IngestReport,
    Outcome,
    Watch,
)
from evidentia.ingest.workers import parsers
from evidentia.log.compression import inspect_archive
from evidentia.log.discovery import Discovery
from evidentia.log.names import stored_path
from evidentia.log.values import ArchiveCondition, ArchiveState, Compression
from evidentia.pack.contract import Pack

_JOBS_MAX = 4


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
    began = watch.clock()
    tasks, reports = _plan_all(target.sink, discovery, options)
    unread_bytes = sum(task.unread_bytes for task in tasks)
    watch.on_total(unread_bytes)
    jobs = _jobs(options, unread_bytes)
    is_bulk = target.bulk is not None and unread_bytes >= BULK_BYTES
    mode = target.bulk() if target.bulk is not None and is_bulk else nullcontext()
    settings = _settings(tasks, packs)
    is_stopped = False
    with parsers(list(settings.values()), jobs) as pool, mode:
        numbers = {key: number for number, key in enumerate(settings)}
        here = {key: LineParser(each) for key, each in settings.items()}
        for task in tasks:
            key = _settings_key(task.plan)
            reader = FileReader(
                sink=target.sink,
                pool=pool,
                number=numbers[key],
                parser=here[key],
                options=options,
                watch=watch,
            )
            report = reader.skipped(task) if is_stopped else reader.read(task)
            is_stopped = is_stopped or report.outcome is Outcome.STOPPED
            reports.append(report)
    order = {stored_path(file.path): place for place, file in enumerate(discovery.files)}
    return IngestReport(
        files=tuple(sorted(reports, key=lambda report: order[report.path])),
        problems=discovery.problems,
        seconds=watch.clock() - began,
        is_stopped=is_stopped,
        is_dry_run=target.is_dry_run,
    )


def _plan_all(
    sink: BatchSink, discovery: Discovery, options: IngestOptions
) -> tuple[list[Task], list[FileReport]]:
    tasks: list[Task] = []
    failed: list[FileReport] = []
    for plan in plan_files(discovery.files, sink.segments(), options.limits):
        try:
            if isinstance(plan, Refusal):
                raise plan.problem
            tasks.append(_task(plan, options))
        except (LogError, UsageError) as problem:
            path = stored_path(plan.file.path)
            failed.append(FileReport(path=path, outcome=Outcome.FAILED, problem=problem))
    return tasks, failed


def _task(plan: Plan, options: IngestOptions) -> Task:
    file = plan.file
    if file.compression is Compression.NONE or plan.is_unchanged:
        archive = ArchiveState(condition=ArchiveCondition.CLEAN, decompressed_bytes=file.size)
    else:
        archive = inspect_archive(file.path, file.compression, options.limits)
    read_before = plan.segment.checkpoint if plan.segment else 0
    unread = 0 if plan.is_unchanged else max(0, archive.decompressed_bytes - read_before)
    return Task(plan=plan, archive=archive, unread_bytes=unread)


def _jobs(options: IngestOptions, unread_bytes: int) -> int:
    if options.jobs is not None:
        return options.jobs
    if unread_bytes < BULK_BYTES:
        return 0
    # One process writes; more parsers than that leaves cores for would only take turns with it.
    return max(1, min(_JOBS_MAX, (os.cpu_count() or 1) - 1))


def _settings_key(plan: Plan) -> tuple[str, bool]:
    return plan.file.source.pack, plan.file.source.is_lenient


def _settings(
    tasks: Sequence[Task], packs: Mapping[str, Pack]
) -> dict[tuple[str, bool], ParseSettings]:
    settings: dict[tuple[str, bool], ParseSettings] = {}
    for task in tasks:
        name, is_lenient = _settings_key(task.plan)
        if name not in packs:
            raise UsageError(
                f"there is no pack {name!r}",
                where=task.plan.file.source.pattern,
                fix="list the packs: evidentia packs",
            )
        settings.setdefault(
            (name, is_lenient), ParseSettings.of(packs[name], is_lenient=is_lenient)
        )
    return settings
