"""The sensors that a pack's events name, out of a summary where one tells them all."""

from __future__ import annotations

from evidentia.pack.contract import NamedQuery, Pack
from evidentia.pack.summary import KIND, Summary
from evidentia.store.reader import StoreReader
from evidentia.store.scope import SENSOR_COLUMN, Scope


def sensors_of(reader: StoreReader, pack: Pack, within: Scope) -> tuple[str, ...]:
    """The sensors that a pack's events name, in order.

    Reading every event for them takes minutes in a large store. A summary that leaves out no event
    and has the sensor among its keys names the same ones; an empty name stands for none there.
    """
    summary = next((each for each in pack.summaries if _tells_all(each)), None)
    if summary is None:
        return reader.sensors(pack.name, within)
    key = next(each.name for each in summary.keys if each.column == SENSOR_COLUMN)
    query = NamedQuery(
        name="sensors",
        title="Sensors",
        description="The sensors that events name.",
        parameters=(),
        columns=(),
        sql=f"SELECT DISTINCT {key} FROM {summary.name} WHERE {key} <> '' ORDER BY {key}",  # noqa: S608 - names that the store has checked
    )
    result = reader.run_query(query, {}, within=within, packs=(pack,))
    return tuple(str(name) for (name,) in result.rows)


def _tells_all(summary: Summary) -> bool:
    is_whole = not summary.kinds and all(
        each.missing is not None or each.column == KIND for each in summary.keys
    )
    sensor = next((each for each in summary.keys if each.column == SENSOR_COLUMN), None)
    return is_whole and sensor is not None and sensor.missing == ""
