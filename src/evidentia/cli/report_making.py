"""From what was asked on the command line to reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.app import Workspace
    from evidentia.event.values import JsonObject
    from evidentia.pack.contract import Pack
    from evidentia.report.periodic import Report
    from evidentia.store.reader import StoreReader
    from evidentia.store.scope import AsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which reports are asked for; None means what the store itself suggests."""

    period: str
    date: str | None = None
    pack: str | None = None
    as_of: str | None = None
    top_n: int | None = None
    sensors: tuple[str, ...] = ()
    is_all_sensors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Reports, and the same as another program would write them where that was asked for."""

    reports: Sequence[Report]
    documents: Sequence[JsonObject] = ()


def make(workspace: Workspace, wanted: Wanted, *, has_documents: bool = False) -> Made:
    """The reports, all from one snapshot of the store.

    Raises:
        UsageError: There is no such pack, period, batch or sensor.
    """
    from evidentia.app import utc_microseconds  # noqa: PLC0415 - start-up time
    from evidentia.report.as_of import read_as_of  # noqa: PLC0415 - start-up time
    from evidentia.report.document import make_document  # noqa: PLC0415 - start-up time
    from evidentia.report.periodic import (  # noqa: PLC0415 - start-up time
        Period,
        make_report,
        read_span,
    )
    from evidentia.store.scope import Scope  # noqa: PLC0415 - start-up time

    with workspace.store.reader() as reader:
        pack = _chosen_pack(workspace, reader, wanted.pack)
        moment = read_as_of(reader, wanted.as_of, utc_microseconds())
        period = Period(wanted.period)
        latest = reader.latest_us(pack.name, Scope(as_of=moment))
        span = read_span(period, wanted.date, latest)
        scopes = [
            Scope(as_of=moment, sensor=sensor)
            for sensor in _chosen_sensors(reader, pack, wanted, moment)
        ]
        reports = [make_report(reader, pack, period, span, scope, wanted.top_n) for scope in scopes]
        documents = [
            make_document(reader, pack, report, scope, wanted.top_n)
            for report, scope in zip(reports if has_documents else [], scopes, strict=False)
        ]
    return Made(reports=reports, documents=[each for each in documents if each is not None])


def _chosen_pack(workspace: Workspace, reader: StoreReader, name: str | None) -> Pack:
    if name is not None:
        return workspace.pack(name)
    present = sorted({segment.pack for segment in reader.segments()})
    if len(present) != 1:
        raise UsageError(
            f"the store holds logs of {len(present)} packs",
            fix=f"choose one with --pack {'|'.join(present)}" if present else "ingest a log first",
        )
    return workspace.pack(present[0])


def _chosen_sensors(
    reader: StoreReader, pack: Pack, wanted: Wanted, moment: AsOf
) -> Sequence[str | None]:
    from evidentia.store.scope import SENSOR_COLUMN, Scope  # noqa: PLC0415 - start-up time
    from evidentia.store.sensors import sensors_of  # noqa: PLC0415 - start-up time

    if not wanted.sensors and not wanted.is_all_sensors:
        return (None,)
    if wanted.sensors and wanted.is_all_sensors:
        raise UsageError("--sensor and --all-sensors exclude each other", fix="give one of them")
    if SENSOR_COLUMN not in {column.name for column in pack.fields.promoted}:
        raise UsageError(
            f"events of pack {pack.name} name no sensor", fix="leave out --sensor and --all-sensors"
        )
    known = sensors_of(reader, pack, Scope(as_of=moment))
    if wanted.is_all_sensors:
        return (None, *known)
    for name in wanted.sensors:
        if name not in known:
            raise UsageError(f"no event names the sensor {name!r}", fix=_names(known))
    return wanted.sensors


def _names(known: Sequence[str]) -> str:
    return f"one of: {', '.join(known)}" if known else "ingest a log that names sensors"
