"""``evidentia projection``: what people and scripts see of summaries."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import LOGS, Command

GROWTH = LOGS / "world" / "growth_events.jsonl"


def change(store: Path, statement: str) -> None:
    """Change the database behind evidentia's back."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def filled(folder: Path, command: Command) -> Path:
    """A store with windows of growth."""
    done = command("--db", "s.db", "ingest", "--pack", "world", "--log", GROWTH)
    assert done.status == 0
    return folder / "s.db"


def test_list_names_every_summary_and_its_batch(filled: Path, command: Command) -> None:
    """Those of packs without events are there too, and empty."""
    done = command("--db", filled, "projection", "list", "--json")

    found = {each["name"]: each for each in done.object["projections"]}
    assert done.status == 0
    assert found["growth_days"]["pack"] == "world"
    assert found["sessions"]["state"] == "live"
    assert {each["batch_id"] for each in found.values()} == {1}


def test_check_is_silent_on_what_is_well(filled: Path, command: Command) -> None:
    """Status 0, and a digest for each."""
    done = command("--db", filled, "projection", "check", "growth_days")

    assert done.status == 0
    assert "growth_days" in done.out
    assert "should be" not in done.out


@pytest.mark.parametrize("option", [(), ("--sample", 1_000)])
def test_check_names_an_edited_row(
    filled: Path, command: Command, option: tuple[object, ...]
) -> None:
    """A manual edit of a projected row is found: key, was, should be, status 1."""
    change(
        filled,
        "UPDATE growth_days_v1 SET applies_failed = 77 WHERE window_key = '2026-01-01T00'",
    )

    done = command("--db", filled, "projection", "check", *option)

    assert done.status == 1
    assert (
        "growth_days: day=1767225600000000, window_key=2026-01-01T00 was applies_failed=77; "
        "should be applies_failed=0" in done.out
    )


def test_check_shows_missing_and_added_rows(filled: Path, command: Command) -> None:
    """And makes harmless what somebody has put there."""
    change(
        filled,
        "UPDATE growth_days_v1 SET window_key = char(27) WHERE window_key = '2026-01-01T00'",
    )

    done = command("--db", filled, "projection", "check", "growth_days")

    assert done.status == 1
    assert "is missing; should be day=1767225600000000, window_key=2026-01-01T00" in done.out
    assert "should not be there; was day=1767225600000000, window_key=" in done.out
    assert "\x1b" not in done.out


def test_more_rows_than_are_shown_are_counted(filled: Path, command: Command) -> None:
    """The page stays short."""
    change(
        filled,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)"
        " INSERT INTO growth_days_v1 SELECT i, 'x', 0, 0, 0, 0, 0, NULL, NULL FROM n",
    )

    done = command("--db", filled, "projection", "check", "growth_days")

    assert "growth_days: … and 5 more rows" in done.out


def test_rebuild_mends(filled: Path, command: Command) -> None:
    """After it the check is well."""
    change(filled, "DELETE FROM growth_days_v1")

    done = command("--db", filled, "projection", "rebuild", "growth_days")

    assert done.status == 0
    assert command("--db", filled, "projection", "check").status == 0


def test_a_halted_summary_is_shown(filled: Path, command: Command) -> None:
    """By the list with its reason, and by the check with status 1."""
    change(
        filled, "UPDATE projections SET state = 'halted', detail = 'a sum' WHERE name = 'room_days'"
    )

    assert "room_days is halted: a sum" in command("--db", filled, "projection", "list").out
    assert command("--db", filled, "projection", "check", "room_days").status == 1


@pytest.mark.parametrize("what", ["check", "rebuild"])
def test_a_name_that_nobody_declares_is_wrong_usage(
    filled: Path, command: Command, what: str
) -> None:
    """Status 2, and how to list them."""
    done = command("--db", filled, "projection", what, "nobody")

    assert done.status == 2
    assert "evidentia projection list" in done.err
