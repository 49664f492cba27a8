"""Repairs from end to end: real conversations, edits of the ledger and of the store."""

from __future__ import annotations

import copy
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.unit.packs.repair_folder import Desk, conversation
from tests.unit.packs.test_repair_commands import tell

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.packs.repair.desk import repairs
from evidentia.packs.repair.repair_event import ImmutableEventError, delete_event, update_event
from evidentia.packs.repair.replay import replay_repair_events


@pytest.fixture
def told(tmp_path: Path) -> Desk:
    """A story of some repairs and reverts in a ledger of its own."""
    desk = Desk(tmp_path, is_mirrored=False)
    tell(desk, desk.put("talk.jsonl", conversation(3)), random.Random(3), 6)  # noqa: S311 - dice
    return desk


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document that holds no others."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list) and value:
        for place, each in enumerate(value):
            yield from leaves(each, (*path, place))
    else:
        yield path


def other(value: Any) -> Any:
    """Another value, of the same type where there is one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 0.5 if isinstance(value, float) else value + 1
    if isinstance(value, str):
        return f"{value[:-1]}{'0' if value[-1:] != '0' else '1'}"
    return "other" if value is None else None


def edited(row: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The row with one value changed."""
    changed = copy.deepcopy(row)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = other(holder[path[-1]])
    return changed


def test_an_edit_of_any_field_of_any_event_is_found_and_named(told: Desk) -> None:
    """IT-12, IT-15: each value of each line is changed in turn, members and payload alike."""
    whole = told.segment.read_bytes()
    lines = whole.splitlines()
    assert len(lines) >= 5
    tried = 0

    for sequence, line in enumerate(lines):
        row = json.loads(line)
        for path in leaves(row):
            changed = [*lines]
            changed[sequence] = canonical_bytes(edited(row, path))
            told.segment.write_bytes(b"\n".join(changed) + b"\n")
            found = told.run("check")
            named = {each["sequence"] for each in found["findings"]}
            assert found["is_finding"], f"event {sequence}: {path} was changed unseen"
            assert sequence in named, f"event {sequence}: {path} was blamed on {named}"
            tried += 1

    told.segment.write_bytes(whole)
    assert tried > 100
    assert not told.run("check")["is_finding"]


def test_an_event_that_is_missing_doubled_or_moved_is_found(told: Desk) -> None:
    """Whole lines, too."""
    whole = told.segment.read_bytes()
    first, *lines = whole.splitlines(keepends=True)

    for changed in (lines[1:], [lines[0], *lines], [*lines[1:], lines[0]], lines[:-1]):
        told.segment.write_bytes(b"".join([first, *changed]))
        assert told.run("check")["is_finding"]


def test_stored_repair_events_are_neither_changed_nor_removed(tmp_path: Path) -> None:
    """IT-15, CT-03: a real store refuses UPDATE and DELETE, and the functions say what to do."""
    desk = Desk(tmp_path)
    talk = desk.put("talk.jsonl", conversation(1))
    orphan = desk.run("scan", file=talk)["orphans"][0]["message_id"]
    event = desk.run("apply", file=talk, message=orphan, is_best=True)["event"]

    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        stored = connection.execute(
            "SELECT event_id, digest_standing FROM events WHERE kind = 'repair.event.v1'"
        ).fetchall()
        for statement in (
            "UPDATE event_rows SET kind_id = 0",
            "DELETE FROM event_rows",
        ):
            with pytest.raises(sqlite3.DatabaseError, match="event"):
                connection.execute(statement)
    for refuse in (update_event, delete_event):
        with pytest.raises(ImmutableEventError) as caught:
            refuse(event["event_id"])
        assert caught.value.fix == "create a revert event instead"

    assert stored == [(event["event_id"], "valid")]


def test_people_who_repair_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    """Six processes, six orphans: none is refused for another's sake, and none is lost."""
    desk = Desk(tmp_path)
    talk = desk.put("talk.jsonl", conversation(2, 80))
    orphans = [each["message_id"] for each in desk.run("scan", file=talk)["orphans"]][:6]
    code = "import sys; from evidentia.cli.application import run; sys.exit(run(sys.argv[1:]))"
    paths = os.pathsep.join(path for path in sys.path if path)

    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, "repair", "apply", talk, orphan, "--best", "--json"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for orphan in orphans
    ]
    ended = [process.communicate(timeout=300) for process in processes]

    assert [process.returncode for process in processes] == [0] * 6, ended
    assert {each.message_id for each in repairs(desk.desk()).events} == set(orphans)
    desk.run("rebuild-stale")
    assert not desk.run("validate", sample=9)["is_finding"]
    assert not desk.run("check")["is_finding"]


@pytest.mark.parametrize("seed", range(3))
def test_real_conversations_are_repaired_and_put_back(
    shared_data: Path, tmp_path: Path, seed: int
) -> None:
    """Scan, repair, revert, revert of revert; as-of at every step equals the prefix's replay."""
    files = sorted((shared_data / "conversations").glob("*.jsonl"))
    if not files:
        pytest.skip("needs real conversations in ../shared/data/conversations")
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    desk = Desk(tmp_path)
    before = [file.read_bytes() for file in files]
    for file in files:
        found = desk.run("scan", file=str(file))
        assert sum(found["counts"].values()) == found["line_count"] == len(lines_of(file))
        tell_of(desk, str(file), chance)

    everything = repairs(desk.desk()).events
    for count in range(1, len(everything) + 1):
        document = desk.run("as-of", moment=everything[count - 1].event_id)
        for session in document["sessions"]:
            prefix = [
                each for each in everything[:count] if each.session_id == session["session_id"]
            ]
            assert session["message_parents"] == replay_repair_events(prefix).message_parents

    assert everything
    assert [file.read_bytes() for file in files] == before
    assert not desk.run("check")["is_finding"]


def lines_of(file: Path) -> list[bytes]:
    """A file's lines."""
    return file.read_bytes().removesuffix(b"\n").split(b"\n")


def tell_of(desk: Desk, file: str, chance: random.Random) -> None:
    """Give some messages another parent, and take some of that back."""
    suggestions = desk.run("suggest", file=file)["suggestions"]
    for each in suggestions[:4]:
        if not each["candidates"]:
            continue
        parent = chance.choice(each["candidates"])["parent_uuid"]
        try:
            done = desk.run(
                "apply", file=file, message=each["message_id"], parent=parent, reason="chosen"
            )
        except RejectionError:
            continue
        if chance.random() < 0.7:
            back = desk.run(
                "revert", event=done["event"]["event_id"], reason="no", is_dry_run=False
            )
            if chance.random() < 0.7:
                desk.run("revert", event=back["event"]["event_id"], reason="y", is_dry_run=False)
