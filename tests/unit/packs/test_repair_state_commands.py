"""``repair validate`` and ``rebuild-stale``: the store's sessions against the ledger."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evidentia.app.ledgers import Ledgers
from evidentia.errors import UsageError
from evidentia.packs.repair import PACK

from .repair_folder import Desk, conversation


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Twelve sessions with a repair each, all in the store."""
    desk = Desk(tmp_path)
    for number in range(12):
        repair(desk, number)
    return desk


def repair(desk: Desk, number: int) -> str:
    """Give an orphan of a session a parent."""
    session = f"s-{number:02d}"
    talk = desk.put(f"{session}.jsonl", conversation(number, session=session))
    orphans = desk.run("scan", file=talk, is_repaired=True)["orphans"]
    event = desk.run("apply", file=talk, message=orphans[0]["message_id"], is_best=True)["event"]
    return str(event["event_id"])


def execute(desk: Desk, statement: str) -> None:
    """Change the store behind evidentia's back."""
    with closing(sqlite3.connect(desk.folder / "s.db")) as connection, connection:
        connection.execute(statement)


def standings(found: dict[str, Any]) -> dict[str, str]:
    """How each session stands."""
    return {each["session_id"]: each["standing"] for each in found["compared"]}


def test_a_store_that_follows_its_ledger_is_current(desk: Desk) -> None:
    """Five sessions by default, different ones in different runs; status 0."""
    runs = [desk.run("validate") for _ in range(4)]

    assert all(len(each["compared"]) == 5 and not each["is_finding"] for each in runs)
    assert len({name for each in runs for name in standings(each)}) > 5
    assert set(standings(desk.run("validate", sample=99)).values()) == {"current"}


def test_the_queries_that_the_table_was_asked_for_run(desk: Desk) -> None:
    """A session's parents without a replay; what is stale or drifted, the oldest first."""
    with closing(sqlite3.connect(desk.folder / "s.db")) as connection:
        parents = connection.execute(
            "SELECT message_parents FROM sessions_materialized WHERE session_id = ?", ("s-03",)
        ).fetchone()
        stale = connection.execute(
            "SELECT session_id FROM sessions_materialized "
            "WHERE is_stale = true OR drift_detected = true ORDER BY materialized_at ASC LIMIT 10"
        ).fetchall()
        times = connection.execute(
            "SELECT min(materialized_at), min(rebuild_duration_ms), max(rebuild_duration_ms) "
            "FROM sessions_materialized"
        )
        first, shortest, longest = times.fetchone()

    assert len(json.loads(parents[0])) == 1
    assert stale == []
    assert first > 1_600_000_000_000_000
    assert 1 <= shortest <= longest


def test_an_edit_of_a_row_is_named_and_made_good(desk: Desk) -> None:
    """What a row says by hand is drift; the rows are made anew from the events."""
    execute(
        desk, "UPDATE sessions_materialized_v1 SET message_parents = '{}' WHERE session_id = 's-03'"
    )

    found = desk.run("validate", sample=99)
    mended = desk.run("rebuild-stale")

    assert found["is_finding"]
    assert {name for name, each in standings(found).items() if each == "drifted"} == {"s-03"}
    assert "message_parents differs" in str(found["compared"])
    assert mended["is_rebuilt"]
    assert (mended["read_events"], mended["still_wrong"]) == (0, [])
    assert not desk.run("validate", sample=99)["is_finding"]


def test_what_the_store_lacks_of_the_ledger_is_read(desk: Desk, tmp_path: Path) -> None:
    """A ledger that was appended to while another process held the store is ahead of it."""
    with desk.workspace.writer("ingest"):
        repair(desk, 2)
        repair(desk, 12)

    found = desk.run("validate", sample=99)
    done = desk.run("rebuild-stale")

    wrong = {name: each for name, each in standings(found).items() if each != "current"}
    assert wrong == {"s-02": "behind", "s-12": "missing"}
    assert done["read_events"] == 2
    assert (done["is_rebuilt"], done["still_wrong"]) == (False, [])
    assert not desk.run("validate", sample=99)["is_finding"]
    assert tmp_path.is_dir()


def test_a_run_deals_with_ten_sessions_at_most(desk: Desk) -> None:
    """The others are counted; here the same remedy happens to help them, too."""
    execute(desk, "DELETE FROM sessions_materialized_v1")

    done = desk.run("rebuild-stale")

    assert (len(done["stale"]), done["not_dealt_with"]) == (10, 2)
    assert desk.run("rebuild-stale")["stale"] == []


def test_nothing_is_done_where_nothing_is_stale(desk: Desk) -> None:
    """A job that runs every few minutes costs nothing then."""
    done = desk.run("rebuild-stale")

    assert (done["stale"], done["read_events"], done["is_rebuilt"]) == ([], 0, False)


def test_a_ledger_of_repairs_holds_no_kind_that_the_pack_does_not_know(desk: Desk) -> None:
    """Its own first event among them: doctor has nothing to say."""
    with desk.workspace.store.reader() as reader:
        kinds = {kind for _, kind, _ in reader.kinds()}

    assert kinds == {"evidentia.ledger.created.v1", "repair.event.v1"}
    assert kinds <= PACK.known_kinds


def test_a_ledger_that_is_not_mirrored_has_no_rows(tmp_path: Path) -> None:
    """That is wrong usage, with the way to mirror it."""
    (tmp_path / "other").mkdir()
    desk = Desk(tmp_path, is_mirrored=False)
    with desk.workspace.writer("test"):
        pass
    repair(desk, 0)

    assert standings(desk.run("validate")) == {"s-00": "missing"}
    with pytest.raises(UsageError, match="is not mirrored"):
        desk.run("rebuild-stale")


def test_the_workspace_checks_and_rebuilds_the_packs_own_projections_only(desk: Desk) -> None:
    """Those of other packs are not a command's business."""
    found = desk.desk().check_projection("sessions_materialized", sample=3)

    assert (found.rows >= 3, found.drift_count, found.problem) == (True, 0, "")
    for name in ("offers", "absent"):
        with pytest.raises(UsageError, match="has no summary or state"):
            desk.desk().check_projection(name)
    assert Ledgers(desk.workspace).complete(desk.workspace.config.ledgers[0]).replayed == 0
