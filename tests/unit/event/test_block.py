"""Many events at once: the columns, flags and failures of reading them one by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import PackError
from evidentia.event.block import BlockExtractor
from evidentia.event.extract import Extractor
from evidentia.event.fieldmap import (
    AllExcept,
    ColumnType,
    EpochUnit,
    FieldMap,
    FromKey,
    PromotedColumn,
)
from evidentia.event.long_number import LONG_INTEGER
from evidentia.event.values import Flag, JsonObject, JsonValue
from evidentia.packs.cowrie.fields import FIELDS as COWRIE
from evidentia.packs.world.fields import FIELDS as WORLD


def doubled(value: JsonValue) -> JsonValue:
    """Twice a number; anything else as it is."""
    return value * 2 if isinstance(value, int) and not isinstance(value, bool) else value


def length(value: JsonValue) -> JsonValue:
    """Of a text; other values as they are, of the wrong type or not."""
    return len(value) if isinstance(value, str) else value


def fail(event: JsonObject) -> JsonValue:
    """Nothing: a function that a pack should not have."""
    raise RuntimeError(event)


EVERYTHING = FieldMap(
    kind=("kind", FromKey(key="duration", read=str)),
    event_id=("event_id",),
    ts=("timestamp", ("detail", "ts")),
    actor=("player", ()),
    session_id=(),
    payload=AllExcept(keys=frozenset({"kind", "a-b"})),
    epoch_unit=EpochUnit.SECONDS,
    promoted=(
        PromotedColumn(
            name="n",
            type=ColumnType.INTEGER,
            sources=("duration_ms", FromKey(key="duration", read=doubled)),
        ),
        PromotedColumn(name="r", type=ColumnType.REAL, sources=("ts", "duration")),
        PromotedColumn(name="t", type=ColumnType.TEXT, sources=(("detail", "reason"), "reason")),
        PromotedColumn(
            name="m", type=ColumnType.INTEGER, sources=(FromKey(key="username", read=length),)
        ),
    ),
)
MAPS = {"world": WORLD, "cowrie": COWRIE, "everything": EVERYTHING}

KEYS = (
    *("kind", "eventid", "event_type", "event", "type", "source", "result", "event_id", "id"),
    *("ts", "timestamp", "actor", "player", "src_ip", "session", "detail", "args", "room"),
    *("duration", "duration_ms", "username", "reason", "tick_id", "cmd_text", "offer_id", "other"),
)
TEXTS = st.sampled_from(
    [
        *("", "x", "cowrie.log", "a\0b", "\0", "1773476467", "88.7", "denied", "bot"),
        *("2026-03-14T08:21:07.123456Z", "2026-03-14T08:21:07Z", "2026-03-14T08:21:07"),
        "2026-03-14T23:59:60Z",
    ]
)
SCALARS = st.one_of(
    st.none(),
    TEXTS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.booleans(),
    st.sampled_from([0, 1, 7, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 1_773_476_467]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just(LONG_INTEGER),
)
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.dictionaries(st.sampled_from(["id", "reason", "ts"]), SCALARS, max_size=2),
    st.lists(SCALARS, max_size=2),
)
EVENTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12)
PLAIN_EVENTS = st.fixed_dictionaries(
    {"eventid": st.just("k"), "kind": st.just("k")},
    optional={key: TEXTS.filter(lambda text: "\0" not in text) for key in KEYS[2:]},
)
"""Of the sort that is settled for whole columns."""
FLAGS = st.sampled_from([Flag(0), Flag(0), Flag.NO_NEWLINE, Flag.DUPLICATE_KEY, Flag.BOM])


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("leaves_rest_in_line", [False, True])
@settings(derandomize=True, max_examples=150)
@given(
    drawn=st.one_of(
        st.lists(st.tuples(EVENTS, FLAGS), max_size=6),
        st.lists(st.tuples(PLAIN_EVENTS, FLAGS), max_size=6),
    )
)
def test_many_events_at_once_have_the_columns_and_flags_of_each_alone(
    name: str,
    drawn: list[tuple[JsonObject, Flag]],
    *,
    leaves_rest_in_line: bool,
    shape_of: Callable[[JsonValue], object],
) -> None:
    """Invariants 4 and 10: how events are grouped shows nowhere."""
    single = Extractor(MAPS[name], leaves_rest_in_line=leaves_rest_in_line)
    block = BlockExtractor(MAPS[name], leaves_rest_in_line=leaves_rest_in_line)
    events = [event for event, _ in drawn]
    before = [shape_of(event) for event in events]

    flags = {index: flag for index, (_, flag) in enumerate(drawn) if flag}
    may_hold_nul = "\\x00" in repr(events)
    # What it remembers of them changes nothing.
    block.extract(events, flags, may_hold_nul=may_hold_nul)
    columns, bits = block.extract(events, flags, may_hold_nul=may_hold_nul)

    alone = [single.extract(event, flag) for event, flag in drawn]
    assert block.column_names == single.column_names
    assert len(columns) == len(single.column_names)
    rows = [[shape_of(column[index]) for column in columns] for index in range(len(drawn))]
    assert rows == [[shape_of(value) for value in values] for values, _ in alone]
    assert bits == [int(flags) for _, flags in alone]
    assert [shape_of(event) for event in events] == before


def test_what_stands_for_null_is_the_callers_choice_but_a_kind_is_never_null() -> None:
    """A column without any value, too, is as long as the block."""
    block = BlockExtractor(COWRIE, leaves_rest_in_line=True, null="nothing")

    columns, bits = block.extract([{}, {"session": "s"}], {}, may_hold_nul=False)

    found = dict(zip(block.column_names, columns, strict=True))
    assert found.pop("kind") == ["unknown", "unknown"]
    assert found.pop("session_id") == ["nothing", "s"]
    assert [*found.values()] == [["nothing", "nothing"]] * len(found)
    assert bits == [0, 0]


@pytest.mark.parametrize("others", [(), ("absent",)])
def test_a_function_that_fails_is_named(others: tuple[str, ...]) -> None:
    """PK-4: the pack is at fault, and the message says which of its columns."""
    column = PromotedColumn(name="c", type=ColumnType.TEXT, sources=(*others, fail))
    block = BlockExtractor(FieldMap(kind=("kind",), promoted=(column,)))

    with pytest.raises(PackError, match="'c' failed with RuntimeError"):
        block.extract([{}], {}, may_hold_nul=False)


def test_a_function_of_one_key_is_not_called_where_the_key_is_absent_or_null() -> None:
    """Its author need not think of either."""
    seen: list[JsonValue] = []
    column = PromotedColumn(
        name="c", type=ColumnType.INTEGER, sources=("a", FromKey(key="b", read=seen.append))
    )
    fields = FieldMap(kind=("kind",), promoted=(column,))
    events: list[JsonObject] = [{}, {"b": None}, {"a": 1, "b": 2}, {"b": 3}, {"a": "", "b": 4}]

    BlockExtractor(fields).extract(events, {}, may_hold_nul=False)
    for event in events:
        Extractor(fields).extract(event, Flag(0))

    assert sorted(seen[:2]) == seen[2:] == [3, 4]


def test_a_function_of_one_key_alone_is_asked_once_for_each_text() -> None:
    """What comes again and again need not be computed again; a number is, as it may equal true."""
    seen: list[JsonValue] = []

    def read(value: JsonValue) -> JsonValue:
        seen.append(value)
        return value

    column = PromotedColumn(name="c", type=ColumnType.TEXT, sources=(FromKey(key="b", read=read),))
    block = BlockExtractor(FieldMap(kind=("kind",), promoted=(column,)))
    events: list[JsonObject] = [{"b": "x"}, {"b": 1}, {"b": "x"}, {"b": True}, {}, {"b": "x" * 999}]

    for _ in range(2):
        columns, bits = block.extract(events, {}, may_hold_nul=False)
        assert columns[-1] == ["x", None, "x", None, None, "x" * 999]
        assert [bool(each) for each in bits] == [False, True, False, True, False, False]
    assert [*map(str, seen)] == ["x", "1", "True", "x" * 999, "1", "True", "x" * 999]
