"""Rendered lines differ from the log in the bytes of one value, and only where they must."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import rows

from evidentia.packs.repair import read_conversations, render_lines
from evidentia.packs.repair.member_span import member_span
from evidentia.packs.repair.render import with_parent_uuid

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", '"', "\\", "parentUuid", "é"]), JSON), st.booleans()
)
def test_the_span_of_a_member_holds_its_value(row: dict[str, object], is_ascii: bool) -> None:  # noqa: FBT001 - drawn
    """Nested members of the same name, escapes and spaces lead nobody astray."""
    raw = json.dumps(row, ensure_ascii=is_ascii, indent=1).encode()

    for key, value in row.items():
        span = member_span(raw, key)
        assert span is not None
        assert json.loads(raw[slice(*span)]) == value
    assert member_span(raw, "parentUui") is None


@pytest.mark.parametrize(
    ("raw", "rendered"),
    [
        (b'{"parentUuid":null,"uuid":"b"}', b'{"parentUuid":"a","uuid":"b"}'),
        (
            b'{ "uuid" : "b" , "parentUuid" :  "old" }\r\n',
            b'{ "uuid" : "b" , "parentUuid" :  "a" }\r\n',
        ),
        (
            b'{"uuid":"b","x":{"parentUuid":1}}',
            b'{"parentUuid":"a","uuid":"b","x":{"parentUuid":1}}',
        ),
        (b'{"uuid":"b","parent\\u0055uid":[1,{"]":2}]}', b'{"uuid":"b","parent\\u0055uid":"a"}'),
        (b'{"n":1.0,"uuid":"b","parentUuid":7}', b'{"n":1.0,"uuid":"b","parentUuid":"a"}'),
    ],
)
def test_only_the_value_is_another(raw: bytes, rendered: bytes) -> None:
    """Spaces, escapes, number forms, line endings and the order of members stay."""
    assert with_parent_uuid(raw, "a") == rendered


def test_a_parent_can_be_taken_away() -> None:
    """RR-01: null is written as null."""
    assert with_parent_uuid(b'{"parentUuid":"p"}', None) == b'{"parentUuid":null}'


def test_lines_without_another_parent_are_byte_identical() -> None:
    """Odd lines, blank lines, repeated uuids and other sessions pass through as they are."""
    lines = [
        *rows({"uuid": "a"}, {"uuid": "b"}, {"uuid": "b", "note": "again"}),
        ("talk.jsonl", 4, 900, b"[1]\n"),
        ("talk.jsonl", 5, 904, b"\r\n"),
        ("talk.jsonl", 6, 906, b'{"uuid":"b","sessionId":"t","parentUuid":null}'),
        ("talk.jsonl", 7, 960, b'{"uuid":"a","uuid":"b"}'),
    ]

    rendered = [*render_lines(lines, {"s": {"a": None, "b": "a", "c": "x"}})]

    changed = [
        n for n, (line, now) in enumerate(zip(lines, rendered, strict=True)) if line[3] != now
    ]
    assert changed == [1]
    assert json.loads(rendered[1]) == {**json.loads(lines[1][3]), "parentUuid": "a"}


def test_the_parent_across_a_cut_is_not_written_into_the_line() -> None:
    """A repair that was taken back leaves the row before the cut as it was."""
    boundary = {"type": "system", "subtype": "compact_boundary", "logicalParentUuid": "a"}
    lines = rows({"uuid": "a"}, {"uuid": "b", **boundary})

    assert [*render_lines(lines, {"s": {"b": "a"}})] == [line[3] for line in lines]


def test_a_session_without_an_id_is_called_by_its_log() -> None:
    """Parents are looked up under the name that the tree has."""
    lines = rows({"uuid": "a", "sessionId": ...}, path="folder/talk.jsonl")

    assert [*render_lines(lines, {"talk": {"a": "x"}})] != [line[3] for line in lines]


def test_real_conversations_render_byte_for_byte(shared_data: Path) -> None:
    """Without repairs every real line comes back; with one, one value of one line is another."""
    for path in sorted((shared_data / "conversations").glob("*.jsonl")):
        raws = path.read_bytes().splitlines(keepends=True)
        lines = [(path.name, n, 0 if n == 1 else n, raw) for n, raw in enumerate(raws, start=1)]
        tree = read_conversations(lines).trees[0]
        uuid = list(tree.messages)[-1]

        assert [*render_lines(lines, {})] == raws
        rendered = [*render_lines(lines, {tree.name: {uuid: "other"}})]
        changed = [n for n in range(len(raws)) if rendered[n] != raws[n]]
        assert changed == [tree.messages[uuid].number]
        wanted = {**json.loads(raws[changed[0]]), "parentUuid": "other"}
        assert json.loads(rendered[changed[0]]) == wanted
