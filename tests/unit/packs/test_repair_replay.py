"""What repairs and reverts come to: one meaning, whatever the order of input."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import model_of, placed, repair, revert

from evidentia.errors import UsageError
from evidentia.event.values import JsonValue
from evidentia.packs.repair import (
    RepairEvent,
    Replay,
    calculate_session_digest,
    create_revert_event,
    events_until,
    replay_repair_events,
    validate_event_immutability,
)
from evidentia.packs.repair.values import RefusalReason, ReplayResult, StopReason

MESSAGES = ("m0", "m1", "m2", "m3", "m4")
PARENTS = st.sampled_from((*MESSAGES, "out"))
FIRST_SECOND = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z in microseconds."""


@st.composite
def histories(draw: st.DrawFn) -> list[RepairEvent]:
    """Events of one session in order: with repeated ids, wrong targets, failures, equal times."""
    events: list[RepairEvent] = []
    for number in range(draw(st.integers(0, 14))):
        time = draw(st.sampled_from(("2026-01-01T12:00:00Z", "2026-01-01T09:00:00Z")))
        event_id = f"e{draw(st.integers(0, number)) if draw(st.integers(0, 9)) == 0 else number}"
        is_valid = draw(st.integers(0, 9)) > 0
        more = {"timestamp": time, "validation_passed": is_valid}
        if events and draw(st.booleans()):
            target = draw(st.sampled_from(events[-4:]))
            message = (
                target.message_id if draw(st.integers(0, 9)) else draw(st.sampled_from(MESSAGES))
            )
            aim = target.event_id if draw(st.integers(0, 9)) else f"e{number + 1}"
            events.append(revert(event_id, aim, message, **more))
        else:
            message, parent = draw(st.sampled_from(MESSAGES)), draw(PARENTS)
            old = draw(st.none() | PARENTS)
            events.append(repair(event_id, message, parent, old, **more))
    return events


ORIGINALS = st.none() | st.dictionaries(st.sampled_from(MESSAGES), st.none() | PARENTS)


def outcome(result: ReplayResult) -> tuple[object, ...]:
    """What two results are compared by."""
    return (
        dict(result.message_parents),
        list(result.active_event_ids),
        [each.event_id for each in result.refusals],
    )


@given(histories(), ORIGINALS, st.randoms(use_true_random=False))
def test_a_replay_is_what_the_model_says(
    events: list[RepairEvent], originals: Mapping[str, str | None] | None, random: object
) -> None:
    """RR-02 to RR-07: any history gives what a plain model gives, however the rows are shuffled."""
    ordered = placed(events)
    shuffled = list(ordered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    model = model_of(events, originals or {})

    result = replay_repair_events(shuffled, originals)

    assert outcome(result) == (model.message_parents(), model.active(), model.refused)
    assert result == replay_repair_events(ordered, originals)
    reverts = sum(each.is_reverted for each in model.accepted)
    assert result.total_events == len(events)
    assert result.reverted_events == len(model.accepted) - reverts - len(model.active())
    assert result.total_events == (
        result.active_events + result.reverted_events + result.revert_events + result.refused_events
    )
    active = {e.message_id for e in model.accepted if e.event_id in result.active_event_ids}
    assert result.messages_repaired == len(active)


@given(histories(), ORIGINALS, st.lists(st.integers(0, 14)))
def test_going_on_is_the_same_as_starting_anew(
    events: list[RepairEvent], originals: Mapping[str, str | None] | None, cuts: list[int]
) -> None:
    """RR-08: a replay that is looked at anywhere and goes on gives what a full one gives."""
    replay = Replay(originals)
    for number, event in enumerate(events):
        if number in cuts:
            assert replay.result() == replay_repair_events(events[:number], originals)
        replay.apply(event)

    assert replay.result() == replay_repair_events(events, originals)


@given(histories())
def test_no_replay_ends_with_a_cycle(events: list[RepairEvent]) -> None:
    """RR-05: from no repaired message does the way up lead back to it."""
    parents = replay_repair_events(events, {}).message_parents

    for message in parents:
        node, steps = parents[message], 0
        while node is not None and steps <= len(parents):
            assert node != message
            node, steps = parents.get(node), steps + 1


def test_a_revert_switches_off_and_what_builds_on_it_stays() -> None:
    """RR-02: a: p0→p1, b: p1→p2, revert(a) ends at p2, and b is reported as building on a."""
    a, b = repair("a", "m", "p1", "p0"), repair("b", "m", "p2", "p1")

    result = replay_repair_events([a, b, revert("r", "a", "m")])

    assert result.message_parents == {"m": "p2"}
    assert [(each.event_id, each.on) for each in result.building_on] == [("b", "a")]
    assert (result.active_events, result.reverted_events, result.revert_events) == (1, 1, 1)


def test_the_revert_of_an_orphans_repair_restores_null() -> None:
    """RR-01: not an empty text, and not nothing."""
    event = repair("a", "m", "p", None)
    back = create_revert_event(
        event, "user:robin", "wrong", event_id="r", timestamp="2026-01-01T12:00:00Z"
    )

    result = replay_repair_events([event, back])

    assert back.new_parent_uuid is None
    assert result.message_parents == {"m": None}


def test_the_revert_of_a_revert_switches_on_again() -> None:
    """The parent is back, and a further revert takes it away again."""
    events = [repair("a", "m", "p", "o"), revert("r1", "a", "m"), revert("r2", "r1", "m")]

    assert replay_repair_events(events).message_parents == {"m": "p"}
    assert replay_repair_events([*events, revert("r3", "r2", "m")]).message_parents == {"m": "o"}
    assert replay_repair_events([*events, revert("r3", "a", "m")]).message_parents == {"m": "o"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (revert("x", "nobody", "m"), RefusalReason.UNKNOWN_TARGET),
        (revert("x", "x", "m"), RefusalReason.UNKNOWN_TARGET),
        (revert("x", "b", "n"), RefusalReason.OTHER_MESSAGE),
        (revert("x", "a", "m"), RefusalReason.NOT_ACTIVE),
        (revert("x", "bad", "m"), RefusalReason.NOT_ACTIVE),
        (repair("x", "m", "q", validation_passed=False), RefusalReason.VALIDATION_FAILED),
        (repair("b", "m", "q"), RefusalReason.DUPLICATE_ID),
        (repair("x", "m", "m"), RefusalReason.CYCLE),
        (repair("x", "p", "m"), RefusalReason.CYCLE),
    ],
)
def test_a_refused_event_has_no_effect_and_a_reason(
    event: RepairEvent, reason: RefusalReason
) -> None:
    """RR-04, RR-05, RR-06: it is kept, counted and listed with its place; nothing else changes."""
    before = [
        *(repair("a", "m", "q"), revert("r", "a", "m"), repair("b", "m", "p")),
        repair("bad", "m", "q", validation_passed=False),
    ]
    events = placed([*before, event])

    result = replay_repair_events(events)

    assert result.message_parents == {"m": "p"}
    assert (result.refusals[-1].reason, result.refusals[-1].position) == (reason, 40)
    assert result.refused_events == 2
    if reason is RefusalReason.DUPLICATE_ID:
        assert result.refusals[-1].earlier_position == 20


@pytest.mark.parametrize("target", ["r1", "r2"])
def test_a_revert_that_was_superseded_cannot_be_taken_back(target: str) -> None:
    """Only the revert that turned its repair last is in force; the later one is named."""
    events = [
        *(repair("a", "m", "p", "o"), revert("r1", "a", "m"), revert("r2", "r1", "m")),
        *(revert("r3", "a", "m"), revert("x", target, "m")),
    ]

    result = replay_repair_events(events)

    (refusal,) = result.refusals
    assert (refusal.event_id, refusal.reason) == ("x", RefusalReason.NOT_ACTIVE)
    assert "r3 came after it" in refusal.detail
    assert result.message_parents == {"m": "o"}


def test_a_repair_that_stays_off_hides_none_that_is_on() -> None:
    """Switching the later one on would close a cycle; the earlier one still counts."""
    events = [
        *(repair("a", "m", "q", "o"), repair("b", "m", "n", "q"), revert("r", "b", "m")),
        *(repair("c", "n", "m", "o"), revert("s", "r", "m")),
    ]

    result = replay_repair_events(events)

    assert [each.reason for each in result.refusals] == [RefusalReason.CYCLE]
    assert result.message_parents == {"m": "q", "n": "m"}
    assert (result.active_events, result.messages_repaired) == (2, 2)


def test_a_cycle_is_refused_with_its_path() -> None:
    """RR-05: the path goes from the message over the new parent back to it."""
    events = [repair("a", "m1", "m0"), repair("b", "m2", "m1"), repair("c", "m0", "m2")]

    (refusal,) = replay_repair_events(events).refusals

    assert refusal.path == ("m0", "m2", "m1", "m0")
    assert "m0 -> m2 -> m1 -> m0" in refusal.detail


def test_a_cycle_over_the_conversation_is_found() -> None:
    """Messages that nobody repaired are a part of the tree when their parents are handed in."""
    result = replay_repair_events(
        [repair("a", "top", "leaf")], {"top": None, "middle": "top", "leaf": "middle"}
    )

    assert result.refusals[0].path == ("top", "leaf", "middle", "top")
    assert result.message_parents == {}


def test_a_revert_that_would_close_a_cycle_is_refused() -> None:
    """What was switched off may not come back where the tree has changed meanwhile."""
    events = [
        *(repair("a", "m", "n", "o"), revert("r", "a", "m"), repair("b", "n", "m", "o")),
        revert("s", "r", "m"),
    ]

    result = replay_repair_events(events)

    assert result.message_parents == {"m": "o", "n": "m"}
    assert result.refusals[0].reason is RefusalReason.CYCLE
    assert (result.active_events, result.reverted_events, result.messages_repaired) == (1, 1, 1)


def test_a_bad_digest_stops_the_replay_there() -> None:
    """RR-12: the state ends before the event and shows it; skipping it takes an order."""
    bad = replace(repair("b", "m", "p2"), reason="another")
    events = placed([repair("a", "m", "p1"), bad, repair("c", "m", "p3")])

    stopped = replay_repair_events(events)
    skipped = replay_repair_events(events, skip=frozenset({"b"}))

    assert stopped.message_parents == {"m": "p1"}
    assert stopped.stopped is not None
    assert (stopped.stopped.position, stopped.stopped.reason) == (10, StopReason.BAD_DIGEST)
    assert (stopped.pending_events, stopped.total_events) == (2, 3)
    assert "stopped at b at 10" in stopped.errors[-1]
    assert skipped.message_parents == {"m": "p3"}
    assert (skipped.skipped, skipped.stopped) == (("b",), None)


@given(histories(), st.integers(0, 14))
def test_as_of_is_the_replay_of_a_prefix(events: list[RepairEvent], cut: int) -> None:
    """At every step the state as of that event is the replay of what stood there."""
    ordered = placed(events)
    cut = min(cut, len(events))

    until = events_until(ordered[::-1], position=cut * 10 - 1)

    assert until == tuple(ordered[:cut])
    if cut and ordered[cut - 1].event_id not in [each.event_id for each in ordered[: cut - 1]]:
        assert events_until(ordered, event_id=ordered[cut - 1].event_id) == until


def test_as_of_a_time_is_a_prefix_too() -> None:
    """An event that states an earlier time than one before it does not stand without that one."""
    times = ["2026-01-01T11:00:00Z", "2026-01-01T13:00:00Z", "2026-01-01T10:00:00Z"]
    events = [repair(f"e{n}", "m", "p", timestamp=time) for n, time in enumerate(times)]

    assert events_until(events, time_us=FIRST_SECOND) == tuple(events[:1])
    persisted = [replace(each, created_at="2026-01-01T11:59:59Z") for each in events]
    assert events_until(persisted, time_us=FIRST_SECOND) == tuple(persisted)


@pytest.mark.parametrize("moment", [{}, {"position": 1, "event_id": "a"}, {"event_id": "nobody"}])
def test_a_moment_that_is_none_is_an_error(moment: dict[str, object]) -> None:
    """Exactly one moment, and an event that is there."""
    with pytest.raises(UsageError):
        events_until([repair("a", "m", "p")], **moment)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "events",
    [
        [repair("a", "m", "p"), repair("b", "m", "p", session_id="t")],
        [repair("a", "m", "p", position=1), repair("b", "m", "p")],
        [repair("a", "m", "p", position=1), repair("b", "m", "p", position=1)],
    ],
)
def test_events_without_one_order_are_refused(events: list[RepairEvent]) -> None:
    """Two sessions, half a set of positions, or two events at one position have no replay."""
    with pytest.raises(UsageError):
        replay_repair_events(events)


FIELDS = (
    *("session_id", "message_id", "timestamp", "old_parent_uuid", "new_parent_uuid", "operator"),
    *("reason", "similarity_score", "validation_passed", "event_id", "event_digest"),
)


@pytest.mark.parametrize("name", FIELDS)
def test_the_session_digest_covers_every_field(name: str) -> None:
    """RR-09, IT-14: another value of any field of any event gives another digest."""
    other: dict[str, JsonValue] = {
        "timestamp": "2026-01-01T12:00:01Z",
        "operator": "user:sam",
        "similarity_score": 0.5,
        "validation_passed": False,
        "event_digest": "0" * 64,
    }
    one, two = repair("a", "m", "p", "o"), repair("b", "n", "p", "o")
    changed = replace(two, **{name: other.get(name, "x")})  # type: ignore[arg-type]

    assert calculate_session_digest([one, two]) != calculate_session_digest([one, changed])


def test_the_session_digest_covers_order_and_number() -> None:
    """IT-13: events cannot run into each other, and it is the digest of the replay's result."""
    one, two = repair("ab", "m", "p"), repair("c", "m", "p")
    events = placed([one, two])

    digest = calculate_session_digest(events)

    assert digest == calculate_session_digest(events[::-1])
    assert digest == replay_repair_events(events).session_digest
    assert len({digest, *(calculate_session_digest(x) for x in ([two, one], [one], []))}) == 4


def test_a_stored_event_is_compared_field_by_field() -> None:
    """IT-15: each field that differs is named; a second row of the id is an error too."""
    stored = repair("a", "m", "p")

    assert validate_event_immutability(stored, [stored]).is_valid
    assert validate_event_immutability(stored, []).warnings != ()
    changed = replace(stored, is_reverted=True, reverts_event_id="b", reason="other")
    errors = "\n".join(validate_event_immutability(changed, [stored]).errors)
    for word in ("digest does not match", "is_reverted", "reverts_event_id", "reason"):
        assert word in errors
    assert not validate_event_immutability(stored, placed([stored, stored])).is_valid


def _chain(count: int) -> Iterator[RepairEvent]:
    event = repair("r0", "m", "p")
    for number in range(1, count):
        yield event
        event = revert(f"r{number}", event.event_id, "m")


@pytest.mark.parametrize(
    "events",
    [
        [repair(f"e{n}", f"m{n + 1}", f"m{n}") for n in range(20_000)],
        [repair(f"e{n}", f"m{n + 1}", f"m{n}") for n in range(20_000)][::-1],
        [repair(f"e{n}", "m", f"p{n}") for n in range(10_000)]
        + [revert(f"r{n}", f"e{n}", "m") for n in range(10_000)],
        [*_chain(20_000)],
    ],
    ids=["a chain downwards", "a chain upwards", "one message", "undo and redo"],
)
def test_a_long_history_is_no_trouble(events: list[RepairEvent]) -> None:
    """RR-13: a step costs the same at the end as at the beginning; nothing is recursive."""
    began = process_time()

    result = replay_repair_events(events)

    assert result.refused_events == 0
    assert process_time() - began < 10


def test_json_keeps_a_fold() -> None:
    """A fold that went through JSON goes on as if it had not."""
    events = [repair("a", "m", "p"), revert("r", "a", "m"), revert("s", "r", "m")]
    replay = Replay()
    for event in events[:2]:
        replay.apply(event)
    replay._fold = json.loads(json.dumps(replay.fold, sort_keys=True))

    replay.apply(events[2])

    assert replay.result() == replay_repair_events(events)
