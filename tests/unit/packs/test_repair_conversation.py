"""From lines to trees: roots, orphans, side chains, cycles, repeated uuids, and other lines."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import rows

from evidentia.event.values import Reason
from evidentia.packs.repair import read_conversations, with_parents
from evidentia.packs.repair.conversation import LineClass, OrphanReason, Reading, SourceLine, Tree


def tree_of(*messages: dict[str, object]) -> Tree:
    """The one tree of some rows."""
    (tree,) = read_conversations(rows(*messages)).trees
    return tree


def orphans_of(tree: Tree) -> dict[str, OrphanReason]:
    """Why each orphan is one."""
    return {each.uuid: each.reason for each in tree.orphans}


def lines_of(path: Path) -> list[SourceLine]:
    """The lines of a real log with their places."""
    lines, byte_offset = [], 0
    for line_no, raw in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        lines.append((path.name, line_no, byte_offset, raw))
        byte_offset += len(raw)
    return lines


def test_every_line_ends_in_one_class() -> None:
    """IN-05: arrays, texts, numbers, bad JSON and rows without a uuid are listed, none is lost."""
    good = rows({"uuid": "a"}, {"uuid": "b", "parentUuid": "a"}, {"uuid": "a"})
    raws = [
        *(b'"text"', b"[1]", b"7", b"null", b"{", b'{"a":1,"a":2}', b"", b" \r\n", b"\xff"),
        *(b'{"type":"summary","leafUuid":"b"}', b'{"uuid":7}'),
    ]
    odd = [("talk.jsonl", 10 + n, 1000 + n, raw) for n, raw in enumerate(raws)]

    reading = read_conversations([*good, *odd])

    assert reading.counts == {
        LineClass.MESSAGE: 2,
        LineClass.REPEATED: 1,
        LineClass.STANDALONE: 2,
        LineClass.REFUSED: 7,
        LineClass.BLANK: 2,
    }
    assert sum(reading.counts.values()) == reading.line_count == 14
    assert [each.reason for each in reading.refused[:4]] == [Reason.NOT_OBJECT] * 4
    assert reading.refused[5].reason is Reason.DUPLICATE_KEY
    assert (reading.refused[0].place.line_no, reading.refused[0].place.byte_offset) == (10, 1000)
    assert (reading.standalone[0].kind, reading.standalone[0].reference) == ("summary", "b")
    assert reading.standalone[1].note != ""


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b'{"uuid":"a"}', b"{}", b"[]"])))
def test_no_bytes_are_lost(raws: list[bytes]) -> None:
    """Whatever the lines are, the classes add up and what is listed is what is counted."""
    reading = read_conversations(("x", n, n, raw) for n, raw in enumerate(raws))

    assert sum(reading.counts.values()) == len(raws)
    assert reading.counts[LineClass.REFUSED] == len(reading.refused)
    assert reading.counts[LineClass.STANDALONE] == len(reading.standalone)
    assert reading.counts[LineClass.MESSAGE] == sum(len(tree.messages) for tree in reading.trees)
    assert reading.counts[LineClass.REPEATED] == sum(len(tree.repeated) for tree in reading.trees)


def test_the_first_line_of_a_uuid_is_the_node() -> None:
    """Later ones are listed with both places, and whether they are the same line."""
    tree = tree_of(
        {"uuid": "a"},
        {"uuid": "b", "parentUuid": "a"},
        {"uuid": "b", "parentUuid": "x"},
        {"uuid": "a"},
    )

    assert tree.parents == {"a": None, "b": "a"}
    found = [
        (each.uuid, each.first.line_no, each.place.line_no, each.is_equal) for each in tree.repeated
    ]
    assert found == [("b", 2, 3, False), ("a", 1, 4, True)]


def test_the_first_row_without_a_parent_is_the_root_and_others_are_orphans() -> None:
    """A second row without a parent has lost it; so has one whose parent is nowhere."""
    tree = tree_of({"uuid": "a"}, {"uuid": "b"}, {"uuid": "c", "parentUuid": "gone"})

    assert tree.roots == ("a",)
    assert orphans_of(tree) == {"b": OrphanReason.NULL_PARENT, "c": OrphanReason.MISSING_PARENT}
    assert [each.parent_uuid for each in tree.orphans] == [None, "gone"]


def test_a_parent_may_come_later() -> None:
    """A row may stand before its parent; it is no orphan."""
    tree = tree_of(
        {"uuid": "a"}, {"uuid": "c", "parentUuid": "b"}, {"uuid": "b", "parentUuid": "a"}
    )

    assert (tree.roots, tree.orphans) == (("a",), ())
    assert tree.heads == {"a": "a", "b": "a", "c": "a"}


def test_each_side_chain_has_its_root() -> None:
    """By the agent where it has an id; else what an agent was asked begins a side chain."""
    side = {"isSidechain": True}
    tree = tree_of(
        *({"uuid": "a"}, {"uuid": "s1", **side}, {"uuid": "s2", **side}),
        {"uuid": "t", **side, "type": "assistant"},
        *({"uuid": "g1", **side, "agentId": "g"}, {"uuid": "g2", **side, "agentId": "g"}),
    )

    assert tree.roots == ("a", "s1", "s2", "g1")
    assert orphans_of(tree) == dict.fromkeys(("t", "g2"), OrphanReason.NULL_PARENT)
    assert [thread.is_sidechain for thread in tree.threads] == [False, *[True] * 5]


def test_a_cut_is_bridged_by_the_logical_parent() -> None:
    """A compacted conversation goes on below the message before the cut."""
    boundary = {"type": "system", "subtype": "compact_boundary"}
    tree = tree_of(
        {"uuid": "a"},
        {"uuid": "b", **boundary, "logicalParentUuid": "a"},
        {"uuid": "c", **boundary, "logicalParentUuid": "gone"},
        {"uuid": "d", "type": "system", "logicalParentUuid": "a"},
    )

    assert tree.parents["b"] == "a"
    assert (tree.messages["b"].kind, tree.messages["b"].parent_uuid) == (
        "system.compact_boundary",
        None,
    )
    assert orphans_of(tree) == {"c": OrphanReason.MISSING_PARENT, "d": OrphanReason.NULL_PARENT}


def test_a_tree_is_of_one_session_in_one_log() -> None:
    """Either spelling of the session counts; a parent of another session is said to be there."""
    one = rows({"uuid": "a"}, {"uuid": "b", "sessionId": ..., "session_id": "t", "parentUuid": "a"})
    two = rows({"uuid": "a", "parentUuid": "b"}, path="folder/other.part.jsonl")
    bare = rows({"uuid": "x", "sessionId": ...}, path="folder/bare.part.jsonl")

    reading = read_conversations([*one, *two, *bare])

    assert [(tree.path, tree.session_id, tree.name) for tree in reading.trees] == [
        ("talk.jsonl", "s", "s"),
        ("talk.jsonl", "t", "t"),
        ("folder/other.part.jsonl", "s", "s"),
        ("folder/bare.part.jsonl", "", "bare"),
    ]
    assert orphans_of(reading.trees[1]) == {"b": OrphanReason.OTHER_SESSION}
    assert orphans_of(reading.trees[2]) == {"a": OrphanReason.MISSING_PARENT}
    assert reading.tree("bare") is reading.trees[3]
    assert reading.tree("s", "folder/other.part.jsonl") is reading.trees[2]
    assert (reading.tree("nobody"), reading.tree_of("x")) == (None, reading.trees[3])


def test_cycles_are_reported_and_never_followed() -> None:
    """Each once, from its first message; what hangs on it is in its thread."""
    tree = tree_of(
        {"uuid": "a"},
        {"uuid": "b", "parentUuid": "d"},
        {"uuid": "c", "parentUuid": "b"},
        {"uuid": "d", "parentUuid": "c"},
        {"uuid": "e", "parentUuid": "c"},
        {"uuid": "f", "parentUuid": "f"},
    )

    assert tree.cycles == (("b", "d", "c", "b"), ("f", "f"))
    assert tree.orphans == ()
    assert [(each.head, each.message_count, each.last) for each in tree.threads] == [
        ("a", 1, "a"),
        ("b", 4, "e"),
        ("f", 1, "f"),
    ]


@given(st.lists(st.none() | st.integers(0, 12), max_size=12))
def test_every_message_is_in_one_thread(parents: list[int | None]) -> None:
    """Roots, orphans and cycles are the heads of threads, and threads share out all messages."""
    given_rows = [
        {"uuid": f"u{n}", "parentUuid": None if parent is None else f"u{parent}"}
        for n, parent in enumerate(parents)
    ]
    for tree in read_conversations(rows(*given_rows)).trees:
        heads = {*tree.roots, *(each.uuid for each in tree.orphans)}
        heads |= {cycle[0] for cycle in tree.cycles}
        in_cycles = [uuid for cycle in tree.cycles for uuid in cycle[:-1]]

        assert {each.head for each in tree.threads} == heads
        assert sum(each.message_count for each in tree.threads) == len(tree.messages)
        assert len(in_cycles) == len(set(in_cycles))
        for cycle in tree.cycles:
            assert [tree.parents[uuid] for uuid in cycle[:-1]] == [*cycle[1:]]


def test_other_parents_give_another_tree() -> None:
    """With a repair the orphan is none any more, and its thread is a part of another."""
    tree = tree_of({"uuid": "a"}, {"uuid": "b"}, {"uuid": "c", "parentUuid": "b"})

    mended = with_parents(tree, {"b": "a", "stranger": "a"})

    assert (mended.orphans, mended.heads["c"], len(mended.threads)) == ((), "a", 1)
    assert mended.messages is tree.messages


def test_a_byte_order_mark_begins_a_log_and_nothing_else() -> None:
    """IN-08: it is skipped where the log begins, and a reason to refuse a line elsewhere."""
    bom = b'\xef\xbb\xbf{"uuid":"a"}'

    reading = read_conversations([("x", 1, 0, bom), ("x", 2, 20, bom)])

    assert reading.counts[LineClass.MESSAGE] == 1
    assert reading.refused[0].reason is Reason.BOM


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": {"content": "plain"}}, "plain"),
        ({"message": "a bare text"}, "a bare text"),
        ({"content": "of the row"}, "of the row"),
        ({"message": {"content": [{"text": "a"}, {"thinking": "b"}, 7, "c"]}}, "a\nb\nc"),
        ({"message": {"content": [{"content": [{"text": "deep"}], "name": "Bash"}]}}, "Bash\ndeep"),
        ({"message": {"content": {"image": 1}}}, ""),
        ({"message": 7}, ""),
    ],
)
def test_the_text_of_a_message_is_what_it_says(body: dict[str, object], text: str) -> None:
    """Texts, thoughts, and of tools their name and output."""
    assert tree_of({"uuid": "a", **body}).messages["a"].text == text


@pytest.mark.parametrize("is_upside_down", [False, True])
def test_a_long_chain_is_read_in_seconds(is_upside_down: bool) -> None:  # noqa: FBT001 - a case
    """RR-13: 100,000 messages below each other, in under 5 s and without recursion."""
    lines = rows(
        *({"uuid": f"u{n}", "parentUuid": f"u{n - 1}" if n else None} for n in range(100_000))
    )
    given_lines = lines[::-1] if is_upside_down else lines
    began = process_time()

    (tree,) = read_conversations(given_lines).trees

    assert process_time() - began < 5
    assert [each.message_count for each in tree.threads] == [100_000]


def _real(folder: Path) -> dict[str, Reading]:
    paths = sorted((folder / "conversations").glob("*.jsonl"))
    return {path.name: read_conversations(lines_of(path)) for path in paths}


def test_real_conversations_are_read(shared_data: Path) -> None:
    """Every real line is accounted for: side chains, repeated uuids, lines that are no objects."""
    found = _real(shared_data)

    for name, reading in found.items():
        assert sum(reading.counts.values()) == reading.line_count > 0, name
        assert not any(tree.cycles for tree in reading.trees)
    talks = {tree.name: tree for reading in found.values() for tree in reading.trees}
    side = talks["5c0375b4-57a5-4f26-b12d-d022ee4e51b7"]
    assert (len(side.messages), len(side.roots), len(side.orphans)) == (53, 3, 0)
    assert sum(each.is_sidechain for each in side.messages.values()) == 22
    assert len(found["edge_cases.jsonl"].refused) == 3
    assert len(talks["edge_cases"].repeated) == 2
    assert orphans_of(talks["todowrite_session"]) == {
        next(iter(talks["todowrite_session"].messages)): OrphanReason.MISSING_PARENT
    }
    assert found["duplicate-uuid.jsonl"].counts[LineClass.REPEATED] == 2


def test_a_line_ending_makes_no_difference() -> None:
    """Lines with and without their ending read the same."""
    raw = json.dumps({"uuid": "a"}).encode()

    first, second = (read_conversations([("x", 1, 0, line)]) for line in (raw, raw + b"\r\n"))

    assert first == second
