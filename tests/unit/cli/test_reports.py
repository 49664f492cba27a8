"""``evidentia report``: forms, files, sensors, moments and differences, over the example logs."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .conftest import LOGS, Command

DAY = ("report", "daily", "2026-01-02", "--pack", "cowrie")
LOGINS = ("cowrie.login.failed", "cowrie.login.success")


def all_lines() -> list[dict[str, Any]]:
    """The events of the logs, read without anything of ours."""
    texts = [
        path.read_text() for path in sorted(LOGS.glob("cowrie.json.*")) if path.suffix != ".gz"
    ]
    texts += [gzip.decompress(path.read_bytes()).decode() for path in LOGS.glob("cowrie*.gz")]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def day_lines() -> list[dict[str, Any]]:
    """Those of 2026-01-02."""
    return [event for event in all_lines() if event["timestamp"].startswith("2026-01-02")]


def sections(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each section of a report."""
    return {section["section"]: section["rows"] for section in found["sections"]}


def test_totals_are_those_of_the_raw_logs(command: Command, store: Path) -> None:
    """VR-02: every section, against a count of the lines themselves."""
    events = day_lines()
    kinds = Counter(event["eventid"] for event in events)
    found = sections(command("--db", store, "--json", *DAY, "--top-n", 1000).object)

    (glance,) = found["At a glance"]
    sessions: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event in all_lines():
        sessions.setdefault((event["sensor"], event["session"]), []).append(event)
    began = [
        sum(event["eventid"] == "cowrie.command.input" for event in session)
        for session in sessions.values()
        if min(event["timestamp"] for event in session).startswith("2026-01-02")
    ]
    assert glance["session_count"] == len(began)
    assert glance["source_count"] == len(
        {event["src_ip"] for event in events if "session" in event}
    )
    assert glance["attempt_count"] == sum(kinds[kind] for kind in LOGINS)
    assert glance["success_count"] == kinds["cowrie.login.success"]
    assert glance["command_count"] == kinds["cowrie.command.input"]
    assert glance["command_max"] == max(began)
    assert glance["command_min"] == min(began)
    assert glance["download_count"] == kinds["cowrie.session.file_download"]
    assert {
        row["period_ts"][:13]: row["event_count"] for row in found["Events over the period"]
    } == (Counter(event["timestamp"][:13] for event in events))
    assert sum(row["session_count"] for row in found["Session depth"]) == len(began)
    assert {row["source"]: row["event_count"] for row in found["Top sources"]} == Counter(
        event["src_ip"] for event in events if "src_ip" in event
    )
    assert {
        (row["username"], row["password"]): row["attempt_count"] for row in found["Top credentials"]
    } == Counter(
        (event["username"], event.get("password")) for event in events if event["eventid"] in LOGINS
    )


def test_real_days_are_counted_as_their_lines_are(command: Command, shared_data: Path) -> None:
    """VR-02: eight real days, drift and all, against their raw lines; read twice, counted once."""
    logs = sorted((shared_data / "cowrie").glob("cowrie.json.2018-05-*"))
    ingest = ("--db", "real.db", "ingest", "--pack", "cowrie")
    ingest += tuple(word for path in logs for word in ("--log", str(path)))
    month = ("--db", "real.db", "--json", "report", "monthly", "2018-05", "--top-n", 10_000)
    command(*ingest)
    once = command(*month).object
    command(*ingest)

    found = sections(once)
    events = [json.loads(line) for path in logs for line in path.read_bytes().splitlines()]
    kinds = Counter(event["eventid"] for event in events)
    assert once["events"] == len(events)
    assert {
        row["period_ts"][:10]: row["event_count"] for row in found["Events over the period"]
    } == Counter(event["timestamp"][:10] for event in events)
    assert found["At a glance"][0]["attempt_count"] == sum(kinds[kind] for kind in LOGINS)
    assert found["At a glance"][0]["session_count"] == len(
        {(event["sensor"], event["session"]) for event in events if event.get("session")}
    )
    assert {row["source"]: row["event_count"] for row in found["Top sources"]} == Counter(
        event["src_ip"] for event in events if event.get("src_ip")
    )
    assert command(*month).object == once


def test_the_shape_of_cowrieprocessor_is_kept(command: Command, store: Path) -> None:
    """Key by key and in order; what is not known is 0 or empty; commands are defanged."""
    daily = command("--db", store, *DAY, "--format", "json", "--as-of", "9").object
    weekly, monthly = (
        command(
            "--db", store, "report", period, "2026-01-02", "--pack", "cowrie", "--format", "json"
        )
        for period in ("weekly", "monthly")
    )

    heads = ["@timestamp", "generated_at", "report_type", "date", "sensor", "sessions"]
    assert list(daily) == [*heads, "commands", "files", "enrichments"]
    assert list(daily["sessions"]) == [
        *("total", "avg_commands", "max_commands", "min_commands", "file_downloads"),
        *("login_attempts", "vt_flagged", "dshield_flagged", "unique_ips"),
    ]
    assert daily["sensor"] == "aggregate"
    assert daily["enrichments"] == {"flagged": []}
    assert daily["sessions"]["vt_flagged"] == daily["sessions"]["dshield_flagged"] == 0
    assert [list(row) for row in daily["commands"]["top"]][:1] == [["command", "occurrences"]]
    assert [list(row) for row in daily["files"]["top"]][:1] == [["url", "occurrences"]]
    assert "http://" not in json.dumps(daily)
    assert "hxxp://203[.]0[.]113[.]" in json.dumps(daily)
    assert list(weekly.object) == list(monthly.object) == heads
    assert (weekly.object["date"], monthly.object["date"]) == ("2026-W01", "2026-01")


def test_a_pack_without_such_a_shape_writes_our_own(command: Command, store: Path) -> None:
    """--format json and --json agree then."""
    week = ("--db", store, "report", "weekly", "2026-W01", "--pack", "world")

    assert command(*week, "--format", "json").object == command(*week, "--json").object


def test_sensors_add_up_to_all(command: Command, store: Path) -> None:
    """The aggregate first, then each sensor in order; one alone by name."""
    every = command("--db", store, "--json", *DAY, "--all-sensors").object["reports"]
    north = command("--db", store, "--json", *DAY, "--sensor", every[1]["sensor"]).object

    names = [report["sensor"] for report in every]
    assert names == [None, *sorted({event["sensor"] for event in day_lines()})]
    assert sum(report["events"] for report in every[1:]) == every[0]["events"] == len(day_lines())
    assert north == every[1]
    documents = json.loads(command("--db", store, *DAY, "--all-sensors", "--format", "json").out)
    assert [each["sensor"] for each in documents] == ["aggregate", *names[1:]]


def test_text_and_html_show_every_sensor(command: Command, store: Path) -> None:
    """One after the other."""
    text = command("--db", store, *DAY, "--all-sensors").out
    page = command("--db", store, *DAY, "--all-sensors", "--format", "html").out

    assert text.count("behind this report:") == page.count("Behind this report") == 4
    assert page.startswith("<!doctype html>")


def test_csv_is_read_back_as_the_json_rows(command: Command, store: Path) -> None:
    """The same rows in both forms, as text."""
    rows = sections(command("--db", store, "--json", *DAY).object)["Top sources"]
    out = command("--db", store, *DAY, "--format", "csv", "--section", "Top sources").out

    assert list(csv.DictReader(out.splitlines())) == [
        {name: str(value) for name, value in row.items()} for row in rows
    ]


def test_a_file_is_not_overwritten_unless_that_is_said(
    command: Command, store: Path, folder: Path
) -> None:
    """What was there stays whole, also when writing the new one fails."""
    target = folder / "r.html"
    target.write_text("mine")
    page = ("--db", store, *DAY, "--format", "html", "--output", target)

    refused = command(*page)
    before = target.read_text()
    written = command(*page, "--force")
    failed = command(
        "--db", store, *DAY, "--format", "csv", "--section", "x", "-o", target, "--force"
    )

    assert (refused.status, before) == (2, "mine")
    assert "not overwritten" in refused.err
    assert written.status == 0
    assert target.read_text().startswith("<!doctype html>")
    assert failed.status == 2
    assert [path.name for path in folder.glob("r.html*")] == ["r.html"]


@pytest.mark.parametrize("form", ["text", "json", "csv", "html"])
def test_the_same_question_as_of_a_batch_gives_the_same_bytes(
    command: Command, store: Path, folder: Path, form: str
) -> None:
    """VR-05: also after more was read."""
    asked = ("--db", store, *DAY, "--as-of", "3", "--format", form, "--output")
    command(*asked, "before")
    more = folder / "more.json"
    more.write_bytes((LOGS / "cowrie.json.2026-01-02").read_bytes().replace(b"203.0", b"203.1"))
    command("--db", store, "ingest", "--pack", "cowrie", "--log", more)

    command(*asked, "after")

    assert (folder / "after").read_bytes() == (folder / "before").read_bytes()
    newest = command("--db", store, "--json", *DAY).object["events"]
    assert newest == 2 * len(day_lines())


def test_a_report_says_which_batch_it_is_as_of(command: Command, store: Path) -> None:
    """With and without the option."""
    newest = command("--db", store, "--json", *DAY).object["as_of"]
    third = command("--db", store, *DAY, "--as-of", 3).out.splitlines()[1]

    assert newest["is_newest"] is True
    assert newest["batch"] > 3
    assert ", as of batch 3, committed 20" in third


def test_a_query_as_of_a_batch_counts_from_its_commit(command: Command, store: Path) -> None:
    """-1h before the commit is the same hour next month; later batches are not seen."""
    asked = ("--db", store, "--json", "query", "recent", "since=-1h", "--as-of", "1")
    first = command(*asked).object

    assert first == command(*asked).object
    assert first["as_of"]["batch"] == 1
    sessions = [
        command("--db", store, "--json", "query", "session_totals", *moment).object["rows"][0]
        for moment in (("--as-of", "1"), ("--as-of", "2"), ())
    ]
    counts = [row["session_count"] for row in sessions]
    assert counts[0] < counts[1] < counts[2]
    titled = command("--db", store, "query", "session_totals", "--as-of", "2").out
    assert titled.startswith("Session totals, as of batch 2, committed 20")


def test_events_as_of_a_batch(command: Command, store: Path) -> None:
    """Nothing of a later batch is listed, and a batch that is not there is wrong usage."""
    found = command("--db", store, "--json", "events", "--as-of", "1", "--limit", 5000).object
    wrong = command("--db", store, "events", "--as-of", "4711")

    assert {event["batch_id"] for event in found["events"]} == {1}
    assert wrong.status == 2
    assert "no batch answers to '4711'" in wrong.err


def test_what_changed_between_two_batches(command: Command, store: Path) -> None:
    """Status 1 and the rows; 0 where nothing changed; a kept report is as good as a batch."""
    compare = ("--db", store, "report", "diff")
    options = ("--pack", "cowrie", "--date", "2026-01-02")
    command("--db", store, "--json", *DAY, "--as-of", "1", "--output", "kept.json")

    changed = command(*compare, "1", "2", *options)
    kept = command(*compare, "kept.json", "2", *options, "--json")
    same = command(*compare, "3", "4", *options)

    assert (changed.status, kept.status, same.status) == (1, 1, 0)
    assert changed.out.startswith("cowrie daily 2026-01-02: ")
    assert "Behind this report" in changed.out
    assert kept.object["before"]["batch"] == 1
    events = [row for row in kept.object["changes"] if row["label"] == ["events"]]
    assert events[0]["after"]["count"] > events[0]["before"]["count"]
    assert same.out == "cowrie daily 2026-01-02: 0 changes\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*DAY, "--json", "--format", "csv"), "say different things"),
        ((*DAY, "--section", "Downloads"), "--section goes with --format csv"),
        ((*DAY, "--sensor", "nowhere"), "no event names the sensor 'nowhere'"),
        ((*DAY, "--sensor", "x", "--all-sensors"), "exclude each other"),
        ((*DAY, "--format", "pdf"), "pdf"),
        ((*DAY, "--top-n", "0"), "top-n"),
        (("report", "daily", "--pack", "world", "--all-sensors"), "name no sensor"),
        (("report", "diff", "1", "2", "--period", "hourly", "--pack", "cowrie"), "is no period"),
        (("report", "diff", __file__, "2", "--pack", "cowrie"), "holds no JSON object"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    command: Command, store: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Status 2, and what to do instead."""
    result = command("--db", store, *arguments)

    assert result.status == 2
    assert said in result.err


def test_a_report_says_which_summary_it_did_without(command: Command, store: Path) -> None:
    """On standard error: the report itself has the same bytes whichever way it was made."""
    before = command("--db", store, *DAY)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE projections SET state = 'halted', detail = 'a sum'")

    after = command("--db", store, *DAY)

    assert before.err == ""
    assert after.out == before.out
    assert "hourly was computed from the events, for it is halted: a sum" in after.err
    assert "evidentia projection rebuild hourly" in after.err
