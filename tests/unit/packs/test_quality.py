"""The queries that look for disorder, of both packs that have them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from evidentia.event.values import Flag
from evidentia.pack.contract import Pack
from evidentia.packs.cowrie import PACK as COWRIE
from evidentia.packs.world import PACK as WORLD

Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
START = 1_767_225_600_000_000
HOUR = 3_600_000_000
BOTH = pytest.mark.parametrize("pack", [COWRIE, WORLD], ids=lambda pack: pack.name)


def line(pack: Pack, hour: int, minute: int = 0, kind: str | None = None, **more: object) -> bytes:
    """An event of a pack at an hour of 2026-01-01."""
    keys = {"cowrie": ("eventid", "timestamp"), "world": ("event_type", "ts")}[pack.name]
    known = {"cowrie": "cowrie.session.connect", "world": "heartbeat"}[pack.name]
    when = f"2026-01-01T{hour:02}:{minute:02}:00Z"
    return json.dumps({keys[0]: kind or known, keys[1]: when, **more}).encode()


@BOTH
def test_an_hour_far_above_the_median_is_a_spike(rows_of: RowsOf, pack: Pack) -> None:
    """Five hours of 4 events and one of 20: the factor and the minimum decide together."""
    lines = [line(pack, hour, n) for hour in range(5) for n in range(4)]
    lines += [line(pack, 9, n) for n in range(20)]

    found = rows_of(pack, "anomaly_spikes", [lines])
    assert found == [(START + 9 * HOUR, 4, 20)]


@BOTH
def test_an_hour_below_the_factor_or_the_minimum_is_none(rows_of: RowsOf, pack: Pack) -> None:
    """19 events are too few; a limit of 6 times is not reached by 5 times."""
    lines = [line(pack, hour, n) for hour in range(5) for n in range(4)]
    lines += [line(pack, 9, n) for n in range(20)]

    assert rows_of(pack, "anomaly_spikes", [lines], factor=6) == []


@BOTH
def test_silence_is_what_lies_between_two_events(rows_of: RowsOf, pack: Pack) -> None:
    """The longest first; nothing is said of before the first event and after the last."""
    lines = [line(pack, 1), line(pack, 4, 30), line(pack, 5), line(pack, 7)]

    assert rows_of(pack, "anomaly_silence", [lines]) == [
        (START + HOUR, START + 4 * HOUR + HOUR // 2, 3),
        (START + 5 * HOUR, START + 7 * HOUR, 2),
    ]


@BOTH
def test_drift_is_counted_by_kind_and_flag(rows_of: RowsOf, pack: Pack) -> None:
    """One event with two flags counts for both; an event without a time is in every period."""
    name = {"cowrie": "sensor", "world": "role"}[pack.name]
    keys = {"cowrie": "timestamp", "world": "ts"}[pack.name]
    lines = [line(pack, 1, **{name: [1]}), line(pack, 1, kind="x", **{keys: "soon"}), line(pack, 2)]

    rows = rows_of(pack, "field_drift", [lines], of_another_pack=lines)

    found = {(row[0], row[1]): row[-1] for row in rows}
    known = {"cowrie": "cowrie.session.connect", "world": "heartbeat"}[pack.name]
    assert found[known, "field_drift"] == 1
    assert found["x", "time_invalid"] == 1


@BOTH
def test_every_flag_has_a_name_in_the_query(pack: Pack) -> None:
    """A flag that is added is not left out."""
    query = next(query for query in pack.queries if query.name == "field_drift")

    for flag in Flag:
        assert f"({flag.value}, '{str(flag.name).lower()}')" in query.sql


@BOTH
def test_unknown_kinds_are_those_the_pack_does_not_know(rows_of: RowsOf, pack: Pack) -> None:
    """The query's list is the pack's own."""
    lines = [line(pack, 1, kind=kind) for kind in sorted(pack.known_kinds)]
    lines += [line(pack, 2, kind="brand.new"), line(pack, 3, kind="brand.new")]

    rows = rows_of(pack, "unknown_kinds", [lines])

    assert rows == [("brand.new", START + 2 * HOUR, START + 3 * HOUR, 2)]
