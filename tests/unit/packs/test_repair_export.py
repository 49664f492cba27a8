"""Exports of a session's events, and previews of what an event would change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.packs.repairs import NOON, placed, repair, revert
from tests.unit.packs.test_repair_replay import histories

from evidentia.errors import UsageError
from evidentia.packs.repair import (
    RepairEvent,
    create_revert_event,
    dependents_of,
    export_document,
    export_event_log,
    preview_event,
    replay_repair_events,
    verify_export,
)
from evidentia.packs.repair.reverting import ParentChange, Relation
from evidentia.packs.repair.values import RefusalReason


@given(histories())
def test_an_export_verifies_and_has_the_numbers_of_the_replay(events: list[RepairEvent]) -> None:
    """RR-03: export and replay count the same, and the numbers add up to all events."""
    document = json.loads(export_event_log("s", placed(events)[::-1], exported_at=NOON))

    result = replay_repair_events(events)
    numbers = document["metadata"]
    assert verify_export(document).errors == ()
    assert (numbers["active_events"], numbers["reverted_events"]) == (
        result.active_events,
        result.reverted_events,
    )
    assert document["event_count"] == numbers["total_events"] == len(events)
    assert sum(numbers["operators"].values()) == len(events)
    assert [each["event_id"] for each in document["events"]] == [each.event_id for each in events]


def test_an_export_has_the_shape_that_others_read() -> None:
    """The names of the document and of its metadata are those of the older program."""
    events = [
        repair("a", "m", "p", timestamp="2026-01-01T09:00:00Z"),
        repair("b", "m", "q", validation_passed=False),
        revert("r", "a", "m"),
    ]

    document = export_document("s", events, exported_at=NOON)

    assert {**document, "events": len(document["events"])} == {  # type: ignore[arg-type]
        "format_version": "1.0",
        "export_type": "repair_event_log",
        "session_id": "s",
        "exported_at": NOON,
        "event_count": 3,
        "events": 3,
        "metadata": {
            "total_events": 3,
            "active_events": 0,
            "reverted_events": 1,
            "revert_events": 1,
            "refused_events": 1,
            "pending_events": 0,
            "messages_repaired": 0,
            "operators": {"agent:mender": 1, "user:robin": 2},
            "session_digest": replay_repair_events(events).session_digest,
            "first_event_timestamp": "2026-01-01T09:00:00Z",
            "last_event_timestamp": NOON,
            "integrity_warnings": ["b at 1 refused: its writer's own validation had failed"],
        },
    }


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        (("events", 0, "reason"), "other", "event 0, a: digest does not match"),
        (("events", 0, "similarity_score"), 0.5, "digest does not match"),
        (("events", 0, "note"), "x", "does not cover note"),
        (("events", 0, "operator"), "x", "operator"),
        (("events", 0), 7, "event 0"),
        (("event_count",), 7, "event_count"),
        (("metadata", "active_events"), 7, "active_events"),
        (("metadata", "session_digest"), "0", "session_digest"),
        (("metadata", "operators"), {}, "operators"),
        (("metadata",), None, "metadata"),
        (("session_id",), "t", "session"),
        (("export_type",), "x", "no export"),
    ],
)
def test_a_change_of_an_export_is_found(
    path: tuple[str | int, ...], value: object, word: str
) -> None:
    """Events, numbers and digests of a document are all computed again."""
    document = json.loads(export_event_log("s", [repair("a", "m", "p")], exported_at=NOON))
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value

    result = verify_export(document)

    assert not result.is_valid
    assert word in "; ".join(result.errors)


def test_an_event_that_is_taken_out_of_an_export_is_missed() -> None:
    """The session digest covers which events there are."""
    events = [repair("a", "m", "p"), repair("b", "m", "q")]
    document = json.loads(export_event_log("s", events, exported_at=NOON))
    del document["events"][0]

    assert "session_digest differs" in verify_export(document).errors


def test_an_export_is_of_one_session() -> None:
    """An event of another session is not slipped in."""
    with pytest.raises(UsageError):
        export_event_log("t", [repair("a", "m", "p")], exported_at=NOON)


def test_an_export_warns_of_weak_digests() -> None:
    """A digest that is absent is no error, and is not passed over either."""
    events = [replace(repair("a", "m", "p"), event_digest="absent")]

    result = verify_export(json.loads(export_event_log("s", events, exported_at=NOON)))

    assert (result.errors, result.warnings) == ((), ("event 0, a: absent",))


def test_a_preview_shows_the_parents_and_what_relies_on_them() -> None:
    """Rule 6: later repairs of the message that build on it, and what was hung below it."""
    events = [
        repair("a", "m", "p1", "p0"),
        repair("below", "n", "m", None),
        repair("deep", "k", "n", None),
        repair("aside", "j", "p1", None),
    ]
    back = create_revert_event(events[0], "user:x", "wrong", event_id="r", timestamp=NOON)

    preview = preview_event(events, back)

    assert preview.is_accepted
    assert preview.changes == (ParentChange(message_id="m", before="p1", after="p0"),)
    assert [(each.event_id, each.relation) for each in preview.dependents] == [
        ("below", Relation.HANGS_BELOW),
        ("deep", Relation.HANGS_BELOW),
    ]
    assert preview.before == replay_repair_events(events)
    assert preview.after == replay_repair_events([*events, back])


def test_what_builds_on_a_repair_is_listed_link_by_link() -> None:
    """RR-02: b builds on a and c on b; a repair of the message that began elsewhere does not."""
    events = [
        *(repair("a", "m", "p1", "p0"), repair("b", "m", "p2", "p1"), repair("c", "m", "p3", "p2")),
        repair("d", "m", "p4", "elsewhere"),
    ]

    assert [(each.event_id, each.on) for each in dependents_of(events, "a")] == [
        ("b", "a"),
        ("c", "b"),
    ]
    with pytest.raises(UsageError):
        dependents_of(events, "nobody")


def test_a_preview_of_what_would_be_refused_says_why() -> None:
    """Nothing changes, and the reason is the one that a replay would give."""
    preview = preview_event([repair("a", "m", "p")], revert("r", "b", "m"))

    assert not preview.is_accepted
    assert preview.changes == preview.dependents == ()
    assert preview.refusal is not None
    assert preview.refusal.reason is RefusalReason.UNKNOWN_TARGET
