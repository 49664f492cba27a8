"""Candidates are exactly those that scoring every message would give; repairs are validated."""

from __future__ import annotations

from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import NOON, rows

from evidentia.errors import UsageError
from evidentia.event.timestamp import format_time
from evidentia.packs.repair import (
    Decision,
    Suggester,
    create_repair_event,
    read_conversations,
    replay_repair_events,
    suggest_parents,
    validate_repair,
    with_parents,
)
from evidentia.packs.repair.conversation import Message, Tree
from evidentia.packs.repair.scoring import score_candidate
from evidentia.packs.repair.validation import is_earlier

START = 1_767_225_600_000_000
MINUTE = 60_000_000
WORDS = ("the", "a", "log", "store", "Café", "proof", "cowrie", "x1")


@st.composite
def talks(draw: st.DrawFn) -> Tree:
    """A conversation with gaps, with equal, missing and disordered times, and with cycles."""
    step = draw(st.sampled_from((1, MINUTE, 20 * MINUTE)))
    found = []
    for number in range(draw(st.integers(1, 25))):
        row: dict[str, object] = {"uuid": f"u{number}"}
        row["type"] = draw(st.sampled_from(("user", "assistant", "assistant", "system", "odd")))
        words = draw(st.lists(st.sampled_from(WORDS), max_size=5))
        row["message"] = {"content": " ".join(words)}
        parent = draw(st.none() | st.integers(0, number + 1))
        row["parentUuid"] = None if parent is None else f"u{parent}"
        if draw(st.integers(0, 4)):
            row["timestamp"] = format_time(START + step * draw(st.integers(0, 12)))
        found.append(row)
    (tree,) = read_conversations(rows(*found)).trees
    return tree


def order(message: Message, candidate: Message) -> tuple[int, int, int]:
    """Of equal scores the nearer comes first: by time where it counts, else by place."""
    if message.ts is None or candidate.ts is None:
        return (0, 0, candidate.number)
    return (1, candidate.ts, candidate.number)


def hangs_below(tree: Tree, uuid: str, above: str) -> bool:
    """Whether a message is that one or hangs below it, by walking up."""
    node: str | None = uuid
    for _ in range(len(tree.messages) + 1):
        if node == above:
            return True
        node = tree.parents.get(node or "")
    return False


def by_force(tree: Tree, uuid: str, top: int) -> list[tuple[str, float]]:
    """The best candidates, by scoring every message."""
    message = tree.messages[uuid]
    scored = [
        (score_candidate(message, each).score, order(message, each), each.uuid)
        for each in tree.messages.values()
        if is_earlier(each, message) and not hangs_below(tree, each.uuid, uuid)
    ]
    return [(found, score) for score, _, found in sorted(scored, reverse=True)[:top]]


@given(talks(), st.integers(1, 6))
def test_candidates_are_those_of_scoring_everything(tree: Tree, top: int) -> None:
    """The indexes only save work: same messages, same scores, same order, for every message."""
    suggester = Suggester(tree)

    for uuid in tree.messages:
        found = [(each.uuid, each.score) for each in suggester.suggest(uuid, top)]
        assert found == by_force(tree, uuid, top)


@pytest.mark.parametrize("seed", range(8))
def test_candidates_are_the_same_in_a_longer_talk(seed: int) -> None:
    """Over hours, with rare and common words, most messages lie beyond the window of time."""
    chance = Random(seed)  # noqa: S311 - the same talk for the same seed
    vocabulary = [f"w{number}" for number in range(chance.choice((12, 60, 400)))]
    weights = [1 / (number + 1) for number in range(len(vocabulary))]
    now, found = START, []
    for number in range(250):
        now += chance.randrange(chance.choice((2, MINUTE, 10 * MINUTE)))
        words = chance.choices(vocabulary, weights, k=chance.randrange(chance.choice((3, 40))))
        row: dict[str, object] = {
            "uuid": f"u{number}",
            "parentUuid": f"u{number - 1}" if chance.randrange(5) else "gone",
            "type": chance.choice(("user", "assistant", "assistant", "system")),
            "message": {"content": " ".join(words)},
        }
        found.append(row | ({"timestamp": format_time(now)} if chance.randrange(9) else {}))
    (tree,) = read_conversations(rows(*found)).trees
    suggester = Suggester(tree)

    for uuid in [*tree.messages][::-3]:
        top = chance.choice((1, 2, 5))
        candidates = [(each.uuid, each.score) for each in suggester.suggest(uuid, top)]
        assert candidates == by_force(tree, uuid, top)


@given(talks())
def test_every_candidate_passes_validation(tree: Tree) -> None:
    """What is suggested exists, is strictly earlier, and closes no cycle."""
    for uuid in tree.messages:
        for candidate in suggest_parents(tree, uuid):
            assert validate_repair(tree, uuid, candidate.uuid).errors == ()


def test_the_score_is_made_of_its_parts() -> None:
    """Half the words in common, half an hour between, a question after an answer."""
    talk = rows(
        {
            "uuid": "a",
            "type": "assistant",
            "message": {"content": "one two three"},
            "timestamp": NOON,
        },
        {
            "uuid": "b",
            "message": {"content": "TWO three four"},
            "timestamp": "2026-01-01T12:30:00Z",
        },
    )
    (tree,) = read_conversations(talk).trees

    (found,) = suggest_parents(tree, "b")

    assert (found.similarity, found.closeness, found.type_factor) == (0.5, 0.5, 1.0)
    assert found.score == 0.5 * 0.5 + 0.3 * 0.5 + 0.2 * 1.0


@pytest.mark.parametrize(
    ("child", "parent", "factor"),
    [
        *(("user", "assistant", 1.0), ("assistant", "user", 0.8), ("user", "user", 0.3)),
        *(("assistant", "assistant", 0.3), ("system", "user", 0.0), ("user", "system", 0.0)),
    ],
)
def test_the_type_factor_says_who_follows_whom(child: str, parent: str, factor: float) -> None:
    """A question follows an answer more surely than an answer a question."""
    talk = rows({"uuid": "a", "type": parent}, {"uuid": "b", "type": child})
    (tree,) = read_conversations(talk).trees

    assert suggest_parents(tree, "b")[0].type_factor == factor


@pytest.mark.parametrize(("uuid", "top"), [("nobody", 5), ("a", 0)])
def test_an_impossible_question_is_an_error(uuid: str, top: int) -> None:
    """A message that is not there, or no candidates at all."""
    (tree,) = read_conversations(rows({"uuid": "a"})).trees

    with pytest.raises(UsageError):
        suggest_parents(tree, uuid, top)


def test_a_repair_is_validated() -> None:
    """The parent exists, is strictly earlier and closes no cycle; each failure is named."""
    at = {"a": "12:00", "b": "12:01", "c": "12:02", "d": "12:01"}
    talk = [
        {"uuid": uuid, "parentUuid": {"c": "b"}.get(uuid), "timestamp": f"2026-01-01T{time}:00Z"}
        for uuid, time in at.items()
    ]
    (tree,) = read_conversations(rows(*talk, {"uuid": "e"})).trees

    def errors(message: str, parent: str) -> str:
        return "; ".join(validate_repair(tree, message, parent).errors)

    assert errors("b", "a") == errors("e", "a") == ""
    assert "no message x" in errors("b", "x")
    assert "no message x" in errors("x", "a")
    assert "cycle b -> b" in errors("b", "b")
    assert "cycle b -> c -> b" in errors("b", "c")
    assert "not earlier" in errors("b", "d")
    assert "not earlier" in errors("a", "b")
    assert "not earlier" in errors("a", "e")
    assert validate_repair(tree, "c", "b").warnings == ("b is the parent already",)


def test_the_event_of_a_repair_says_whether_it_was_validated() -> None:
    """RR-04: an event of a repair that fails is kept, and a replay does not apply it."""
    (tree,) = read_conversations(rows({"uuid": "a"}, {"uuid": "b"})).trees
    decision = Decision(event_id="e", timestamp=NOON, operator="user:x", reason="why")

    good = create_repair_event(tree, "b", "a", decision)
    bad = create_repair_event(tree, "a", "b", decision)

    assert (good.session_id, good.old_parent_uuid, good.validation_passed) == ("s", None, True)
    assert not bad.validation_passed
    mended = with_parents(tree, replay_repair_events([good]).message_parents)
    assert mended.orphans == ()
    assert replay_repair_events([bad]).message_parents == {}


def test_many_orphans_are_no_trouble() -> None:
    """Suggesting for a tenth of 5,000 messages looks at a fraction of the pairs."""
    talk = [
        {
            "uuid": f"u{n}",
            "type": ("user", "assistant")[n % 2],
            "parentUuid": "gone" if n % 10 == 0 else f"u{n - 1}",
            "timestamp": format_time(START + n * MINUTE),
            "message": {"content": f"the word{n % 97} other{n % 1009} of it"},
        }
        for n in range(5_000)
    ]
    (tree,) = read_conversations(rows(*talk)).trees
    suggester = Suggester(tree)
    began = process_time()

    found = [suggester.suggest(each.uuid) for each in tree.orphans]

    assert process_time() - began < 5
    assert sum(bool(each) for each in found) == len(tree.orphans) - 1
