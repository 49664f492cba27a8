"""What reports read out of summaries is what the same questions find in the events.

The queries over events are the reference: those of ``cowrie`` are named queries for any period,
those of ``world`` stand beside this file as reports had them before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.unit.ingest.kit import Place

from evidentia.event.timestamp import format_time
from evidentia.pack.contract import NamedQuery, Pack
from evidentia.pack.queries import parse_query
from evidentia.packs.cowrie import PACK as COWRIE
from evidentia.packs.world import PACK as WORLD
from evidentia.store.scope import AsOf, Scope

REFERENCE = Path(__file__).parent / "reference" / "world"
DAY_US = 86_400_000_000
START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
SPANS = (
    (START, START + DAY_US),
    (START + DAY_US, START + 2 * DAY_US),
    (START, START + 7 * DAY_US),
    (START - 31 * DAY_US, START),
    (-365 * DAY_US, 0),
    (START + 900 * DAY_US, START + 901 * DAY_US),
)
HOSTILE = ("", " ", "a  b\t c", "'; DROP TABLE x; --", "\u202e\u0000", "%s:since", "x" * 700, "ls")
SAME_COWRIE = {
    "period_activity": "activity",
    "period_logins": "logins",
    "period_credentials": "top_credentials",
    "period_sources": "top_sources",
    "period_downloads": "downloads",
    "period_urls": "top_downloads",
}
"""A query over summaries, and the one over events that must give the same."""
COWRIE_KINDS = (
    *("cowrie.session.connect", "cowrie.login.failed", "cowrie.login.success"),
    *("cowrie.command.input", "cowrie.command.failed", "cowrie.session.file_download"),
    *("cowrie.session.file_download.failed", "cowrie.session.file_upload", "someday.new"),
)


def moment(random: Random) -> str | None:
    """A time within a few days, at an edge of one, long ago, or none that can be read."""
    draw = random.random()
    if draw < 0.05:
        return random.choice([None, "yesterday", "2026-01-01T00:00:00"])
    if draw < 0.1:
        return format_time(random.choice([-1, 0, -DAY_US, -DAY_US - 1, 1]))
    edge = START + random.randrange(-1, 4) * DAY_US
    return format_time(edge + random.choice([0, -1, 1, random.randrange(DAY_US)]))


def cowrie_lines(random: Random, count: int) -> list[bytes]:
    """Events of a honeypot, with whatever an intruder types."""
    lines = []
    for _ in range(count):
        event = {
            "eventid": random.choice(COWRIE_KINDS),
            "timestamp": moment(random),
            "session": random.choice(["a", "b", "c", "d", None]),
            "sensor": random.choice(["north", "south", None, ""]),
            "src_ip": random.choice(["192.0.2.7", "2001:db8::1", None, *HOSTILE]),
            "username": random.choice(HOSTILE),
            "password": random.choice([None, *HOSTILE]),
            "input": random.choice(["ls", "ls", None, 7, *HOSTILE]),
            "url": random.choice([None, "http://203.0.113.5/a", *HOSTILE]),
            "shasum": random.choice([None, "ab", "cd"]),
        }
        kept = {key: value for key, value in event.items() if value is not None}
        lines.append(json.dumps(kept).encode() + b"\n")
    return lines


def world_lines(random: Random, count: int) -> list[bytes]:
    """Events of a world."""
    lines = []
    for _ in range(count):
        event = {
            "ts": moment(random),
            "event_type": random.choice(
                ["growth.offer.created", "growth.offer.rejected", "growth.apply.failed", "look"]
            ),
            "actor": random.choice(["gardener", None, "", *HOSTILE]),
            "result": random.choice([None, "denied", "ok", "rate_limited"]),
            "window_key": random.choice([None, "w1", "w2", *HOSTILE]),
            "room": random.choice([None, "meadow", {"id": "grove"}, *HOSTILE]),
        }
        kept = {key: value for key, value in event.items() if value is not None}
        lines.append(json.dumps(kept).encode() + b"\n")
    return lines


def place_of(
    folder: Path, pack: Pack, lines_of: Callable[[Random, int], list[bytes]], seed: int
) -> Place:
    """A store that read some lines in four batches."""
    place = Place(folder=folder, packs={pack.name: pack})
    place.write("a.jsonl", b"")
    random = Random(seed)  # noqa: S311 - the same lines each time
    for _ in range(4):
        place.append("a.jsonl", b"".join(lines_of(random, 60)))
        place.ingest("a.jsonl", pack=pack.name, is_lenient=True)
    return place


@pytest.fixture(scope="module")
def honeypot(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store of hostile honeypot events."""
    return place_of(tmp_path_factory.mktemp("cowrie"), COWRIE, cowrie_lines, 1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store of a world's events."""
    return place_of(tmp_path_factory.mktemp("world"), WORLD, world_lines, 2)


def named(pack: Pack, name: str) -> NamedQuery:
    """A query of a pack."""
    return next(query for query in pack.queries if query.name == name)


def answer(
    place: Place, pack: Pack, query: NamedQuery, span: tuple[int, int], within: Scope
) -> list[dict[str, Any]]:
    """The rows of a query over a period, by the names of their columns."""
    values = {"since": span[0], "until": span[1], "limit": 10_000}
    values = {each.name: values[each.name] for each in query.parameters}
    with place.store.reader() as reader:
        result = reader.run_query(query, values, within=within, packs=(pack,))
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def scopes(place: Place) -> Sequence[Scope]:
    """The present, earlier batches, and each with one sensor."""
    with place.store.reader() as reader:
        batches = list(reader.batches())
    past = [
        AsOf(batch_id=each.id, committed_us=each.committed_us)
        for each in (batches[0], batches[2], batches[3])
    ]
    return [
        Scope(as_of=each, sensor=sensor) for each in (None, *past) for sensor in (None, "north")
    ]


def without_sources(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the number of addresses, which summaries of pairs and commands do not keep."""
    return [{k: v for k, v in row.items() if k != "source_count"} for row in rows]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("name", sorted(SAME_COWRIE))
def test_a_section_of_a_honeypot_is_what_its_events_give(
    honeypot: Place, name: str, span: tuple[int, int]
) -> None:
    """VR-02: any period, sensor and moment, times before 1970 and hostile texts among them."""
    ours, reference = named(COWRIE, name), named(COWRIE, SAME_COWRIE[name])
    is_by_hour = name in {"period_activity", "period_logins"}

    for within in scopes(honeypot):
        found = answer(honeypot, COWRIE, ours, span, within)
        wanted = answer(honeypot, COWRIE, reference, span, within)
        if name == "period_credentials":
            wanted = without_sources(wanted)
        if is_by_hour and span[0] < 0:
            # The reference rounds times before 1970 towards it; only the sums can be compared.
            found, wanted = ([sum_of(rows)] for rows in (found, wanted))
        assert found == wanted


def sum_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The sums of the columns, but for the times."""
    names = {name for row in rows for name in row if not name.endswith("_ts")}
    return {name: sum(row[name] for row in rows) for name in names}


@pytest.mark.parametrize("span", SPANS)
def test_commands_are_those_of_the_events_with_blanks_as_one(
    honeypot: Place, span: tuple[int, int]
) -> None:
    """The column that is kept by day is the command in one form; its counts are of the events."""
    sql = (
        "SELECT command AS input, MIN(ts) AS first_ts, MAX(ts) AS last_ts, "
        "COUNT(*) AS command_count FROM events WHERE kind = 'cowrie.command.input' "
        "AND ts >= :since AND ts < :until GROUP BY command ORDER BY COUNT(*) DESC, "
        "COALESCE(command, '') LIMIT :limit"
    )
    ours = named(COWRIE, "period_commands")
    reference = NamedQuery(
        name="r", title="r", description="r", parameters=ours.parameters, columns=(), sql=sql
    )

    for within in scopes(honeypot):
        assert answer(honeypot, COWRIE, ours, span, within) == answer(
            honeypot, COWRIE, reference, span, within
        )


@pytest.mark.parametrize("span", SPANS)
def test_sessions_count_where_they_began_and_whole(honeypot: Place, span: tuple[int, int]) -> None:
    """Also one that lasts over midnight, by plain Python over the rows of events."""
    totals, depth = named(COWRIE, "period_totals"), named(COWRIE, "period_depth")

    for within in scopes(honeypot):
        limit = within.as_of.batch_id if within.as_of else 10**9
        sessions: dict[tuple[Any, Any], list[tuple[Any, Any]]] = {}
        seen = set()
        for sensor, session, ts, kind, actor in honeypot.rows(
            "SELECT sensor, session_id, ts, kind, actor FROM events WHERE batch_id <= ?", limit
        ):
            if within.sensor in {None, sensor}:
                sessions.setdefault((session, sensor), []).append((ts, kind))
                if ts is not None and span[0] <= ts < span[1]:
                    seen.add(actor)
        began = []
        for (session, _sensor), events in sessions.items():
            first = min((ts for ts, _ in events if ts is not None), default=None)
            if session is not None and first is not None and span[0] <= first < span[1]:
                began.append(sum(kind == "cowrie.command.input" for _, kind in events))

        (found,) = answer(honeypot, COWRIE, totals, span, within)

        assert found["session_count"] == len(began)
        assert found["command_max"] == max(began, default=0)
        assert found["command_min"] == min(began, default=0)
        assert found["command_mean"] == pytest.approx(sum(began) / max(1, len(began)))
        assert found["source_count"] == len(seen - {None})
        classes = answer(honeypot, COWRIE, depth, span, within)
        assert sum(row["session_count"] for row in classes) == len(began)


def test_totals_are_the_sums_of_the_sections(honeypot: Place) -> None:
    """What stands at a glance is what the sections below add up to."""
    for within in scopes(honeypot):
        (totals,) = answer(honeypot, COWRIE, named(COWRIE, "period_totals"), SPANS[2], within)
        logins = sum_of(answer(honeypot, COWRIE, named(COWRIE, "period_logins"), SPANS[2], within))
        typed = sum_of(
            without_sources(
                [
                    {"command_count": row["command_count"]}
                    for row in answer(
                        honeypot, COWRIE, named(COWRIE, "period_commands"), SPANS[2], within
                    )
                ]
            )
        )

        assert totals["attempt_count"] == logins["attempt_count"] > 0
        assert totals["success_count"] == logins["success_count"] > 0
        assert totals["command_count"] == typed["command_count"] > 0


@pytest.mark.parametrize(
    "name", ["period_activity", "period_credentials", "period_sources", "period_commands"]
)
def test_the_days_of_a_week_add_up_to_the_week(honeypot: Place, name: str) -> None:
    """VR-06: every count of the weekly report is the sum of those of its seven days."""
    query = named(COWRIE, name)
    days = [(START + day * DAY_US, START + (day + 1) * DAY_US) for day in range(7)]

    week = answer(honeypot, COWRIE, query, (START, START + 7 * DAY_US), Scope())
    daily = [answer(honeypot, COWRIE, query, day, Scope()) for day in days]

    assert sum_numbers(row for rows in daily for row in rows) == sum_numbers(week)


def test_the_sessions_of_a_week_are_those_of_its_days(honeypot: Place) -> None:
    """VR-06: a session that lasts over midnight is one of the day it began, and of no other."""
    query = named(COWRIE, "period_depth")
    days = [(START + day * DAY_US, START + (day + 1) * DAY_US) for day in range(7)]

    week = answer(honeypot, COWRIE, query, (START, START + 7 * DAY_US), Scope())
    daily = [answer(honeypot, COWRIE, query, day, Scope()) for day in days]

    merged: dict[str, int] = {}
    for row in (row for rows in daily for row in rows):
        merged[row["depth"]] = merged.get(row["depth"], 0) + row["session_count"]
    assert merged == {row["depth"]: row["session_count"] for row in week}


def sum_numbers(rows: Any) -> dict[str, int]:
    """The sums of the columns that count something."""
    sums: dict[str, int] = {}
    for row in rows:
        for name, value in row.items():
            if name.endswith("_count"):
                sums[name] = sums.get(name, 0) + value
    return sums


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("file", sorted(REFERENCE.glob("*.sql")), ids=lambda file: file.stem)
def test_a_section_of_a_world_is_what_its_events_give(
    world: Place, file: Path, span: tuple[int, int]
) -> None:
    """VR-02: any period and moment, against the statements over events that reports had before."""
    reference = parse_query(file.stem, file.read_text())
    ours = named(WORLD, file.stem)

    for within in scopes(world)[::2]:
        found = answer(world, WORLD, ours, span, within)
        wanted = answer(world, WORLD, reference, span, within)
        if file.stem == "report_activity" and span[0] < 0:
            found, wanted = ([sum_of(rows)] for rows in (found, wanted))
        assert found == wanted


def reconciled(place: Place, pack: Pack, within: Scope) -> dict[tuple[str, str], int]:
    """The differences between summaries and events."""
    rows = answer(place, pack, named(pack, "reconciliation"), SPANS[0], within)
    assert all(row["event_count"] > 0 for row in rows)
    return {(row["summary"], row["counted"]): row["difference"] for row in rows}


def test_counts_of_events_sessions_and_summaries_reconcile(honeypot: Place, world: Place) -> None:
    """At every moment; untimed events and those without a session among them."""
    for place, pack in ((honeypot, COWRIE), (world, WORLD)):
        for within in scopes(place)[::2]:
            assert set(reconciled(place, pack, within).values()) == {0}


@pytest.mark.parametrize(
    ("change", "named_ones"),
    [
        ("UPDATE hourly_v1 SET events = events + 1", {"hourly"}),
        ("DELETE FROM sessions_v1 WHERE session_id = 'a'", {"sessions"}),
        ("UPDATE source_days_v1 SET event_count = 0", {"source_days"}),
        ("DELETE FROM command_days_v1", {"command_days"}),
        ("UPDATE credential_days_v1 SET attempts = attempts + 1", {"credential_days"}),
        ("DELETE FROM download_days_v1 WHERE url = ''", {"download_days"}),
    ],
)
def test_a_summary_that_was_tampered_with_is_named(
    tmp_path: Path, change: str, named_ones: set[str]
) -> None:
    """A manual edit, a deleted row: by the summary whose sums are not those of the events."""
    place = place_of(tmp_path, COWRIE, cowrie_lines, 3)
    place.damage(change)

    found = reconciled(place, COWRIE, Scope())

    assert {summary for (summary, _), difference in found.items() if difference} == named_ones
