"""Columns: the first source that holds something of the right type, and flags for all the rest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import PackError
from evidentia.event.column import SqlValue
from evidentia.event.extract import Extractor
from evidentia.event.fieldmap import (
    AllExcept,
    ColumnType,
    EpochUnit,
    FieldMap,
    PromotedColumn,
    Source,
)
from evidentia.event.long_number import LONG_INTEGER
from evidentia.event.values import Flag, JsonObject, JsonValue

NO_FLAG = Flag(0)
HUGE = pytest.param(10**5000, id="5,000 digits")
LONE_SURROGATE = json.loads(r'"x\ud800"')

FIELDS = FieldMap(
    kind=("event_type", "kind"),
    event_id=("event_id", "id"),
    ts=("ts", "timestamp"),
    actor=("actor", ("player", "id")),
    session_id=("session",),
    payload=("detail", "args"),
    promoted=(
        PromotedColumn(name="room_id", type=ColumnType.TEXT, sources=(("room", "id"), "room")),
        PromotedColumn(name="mode", type=ColumnType.TEXT, sources=("mode",)),
        PromotedColumn(name="port", type=ColumnType.INTEGER, sources=("port", "src_port")),
        PromotedColumn(name="score", type=ColumnType.REAL, sources=("score",)),
    ),
)


def columns_of(fields: FieldMap, event: JsonObject) -> tuple[dict[str, SqlValue], Flag]:
    """The columns of an event by name, and its flags."""
    extractor = Extractor(fields)
    values, flags = extractor.extract(event, NO_FLAG)
    return dict(zip(extractor.column_names, values, strict=True)), flags


def read_column(name: str, event: JsonObject) -> tuple[SqlValue, Flag]:
    """One column of the sample field map, and the event's flags."""
    columns, flags = columns_of(FIELDS, event)
    return columns[name], flags


def promoted(kind: ColumnType, *sources: Source) -> FieldMap:
    """A field map with one promoted column named ``extra``."""
    extra = PromotedColumn(name="extra", type=kind, sources=sources)
    return FieldMap(kind=("kind",), promoted=(extra,))


def test_every_column_of_an_ordinary_event_is_read() -> None:
    """The fixed columns in their order, then the promoted ones as declared."""
    event: JsonObject = {
        "event_type": "growth.offer",
        "event_id": "ge_1",
        "ts": "2026-03-14T08:21:07.123456Z",
        "actor": "bruce",
        "session": "s1",
        "detail": {"b": 1, "a": [None, "é"]},
        "room": {"id": "hall"},
        "mode": "auto",
        "port": 22,
        "score": 1.5,
    }

    extractor = Extractor(FIELDS)

    values, flags = extractor.extract(event, NO_FLAG)
    assert extractor.column_names == (
        *("event_id", "ts", "ts_text", "kind", "actor", "session_id", "payload_json"),
        *("room_id", "mode", "port", "score"),
    )
    assert values == (
        *("ge_1", 1_773_476_467_123_456, "2026-03-14T08:21:07.123456Z"),
        *("growth.offer", "bruce", "s1", '{"b":1,"a":[null,"é"]}'),
        *("hall", "auto", 22, 1.5),
    )
    assert flags == NO_FLAG


def test_an_event_without_any_known_key_has_a_default_kind_and_nulls() -> None:
    """An absent key is no drift: the kind alone is never NULL."""
    columns, flags = columns_of(FIELDS, {"other": 1})

    assert columns.pop("kind") == "unknown"
    assert set(columns.values()) == {None}
    assert flags == NO_FLAG


def test_a_field_map_may_leave_columns_without_sources() -> None:
    """A pack says only what its log has; an empty key in the event is nobody's."""
    fields = FieldMap(kind=("kind",), kind_default="row")

    columns, flags = columns_of(fields, {"": "x"})

    assert columns.pop("kind") == "row"
    assert set(columns.values()) == {None}
    assert flags == NO_FLAG


def test_the_empty_key_can_be_a_source() -> None:
    """M53: any string can be a key."""
    columns, _ = columns_of(FieldMap(kind=("",)), {"": "x"})

    assert columns["kind"] == "x"


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_the_empty_string_fall_through_to_the_next_source(nothing: JsonValue) -> None:
    """Present but empty is the same as absent, and no drift."""
    event: JsonObject = {"event_type": nothing, "kind": "b", "mode": nothing, "port": nothing}

    columns, flags = columns_of(FIELDS, {**event, "src_port": 7, "ts": nothing, "detail": nothing})

    assert (columns["kind"], columns["mode"], columns["port"]) == ("b", None, 7)
    assert (columns["ts"], columns["ts_text"], columns["payload_json"]) == (None, None, None)
    assert flags == NO_FLAG


def test_zero_false_and_empty_containers_are_present() -> None:
    """Truth values of Python decide nothing."""
    event: JsonObject = {"port": 0, "src_port": 7, "score": 0, "detail": {}, "args": {"a": 1}}

    columns, flags = columns_of(FIELDS, event)

    assert (columns["port"], columns["score"], columns["payload_json"]) == (0, 0.0, "{}")
    assert flags == NO_FLAG


@pytest.mark.parametrize("wrong", [1, 1.5, True, [], ["a"], {"a": 1}, LONG_INTEGER])
@pytest.mark.parametrize("name", ["event_type", "mode"])
def test_a_text_column_takes_only_text(name: str, wrong: JsonValue) -> None:
    """M54: another type is skipped and flagged, the next source is tried."""
    event: JsonObject = {name: wrong, "kind": "next"}

    columns, flags = columns_of(FIELDS, event)

    assert columns["kind"] == "next"
    assert columns["mode"] is None
    assert flags == Flag.FIELD_DRIFT


@pytest.mark.parametrize(
    ("column", "key"), [("event_id", "event_id"), ("actor", "actor"), ("session_id", "session")]
)
def test_names_may_be_integers_and_become_their_exact_text(column: str, key: str) -> None:
    """M49: an id of 30 digits stays that id."""
    assert read_column(column, {key: 42}) == ("42", NO_FLAG)
    assert read_column(column, {key: -(10**29)}) == ("-1" + "0" * 29, NO_FLAG)


@pytest.mark.parametrize("wrong", [True, 1.5, [], {}])
def test_names_are_neither_floats_nor_truth_values(wrong: JsonValue) -> None:
    """M54: only an integer has one exact text."""
    assert read_column("event_id", {"event_id": wrong, "id": "x"}) == ("x", Flag.FIELD_DRIFT)


@pytest.mark.parametrize("value", [LONG_INTEGER, HUGE])
def test_an_integer_too_long_for_text_is_no_name(value: JsonValue) -> None:
    """M49: its column is NULL with a flag, the raw line has the digits."""
    assert read_column("actor", {"actor": value}) == (None, Flag.INTEGER_RANGE)


@pytest.mark.parametrize("value", [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_integers_of_64_bits_are_stored_exactly(value: int) -> None:
    """M49: up to both ends of the range."""
    assert read_column("port", {"port": value}) == (value, NO_FLAG)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**64, 10**29, HUGE, LONG_INTEGER])
def test_integers_beyond_64_bits_are_null_with_a_flag(value: JsonValue) -> None:
    """M49: never a float, and no other source in its place."""
    assert read_column("port", {"port": value, "src_port": 7}) == (None, Flag.INTEGER_RANGE)


@pytest.mark.parametrize("wrong", ["22", 22.0, True, [22], {"port": 22}])
def test_an_integer_column_takes_only_integers(wrong: JsonValue) -> None:
    """M54: numeric text and whole floats are another type."""
    assert read_column("port", {"port": wrong, "src_port": 7}) == (7, Flag.FIELD_DRIFT)
    assert read_column("port", {"src_port": wrong}) == (None, Flag.FIELD_DRIFT)


@pytest.mark.parametrize(("value", "stored"), [(1.5, 1.5), (2, 2.0), (-0.0, 0.0), (2**70, 2.0**70)])
def test_a_real_column_takes_floats_and_integers(value: float, stored: float) -> None:
    """M48: an integer is stored as the float it is compared with."""
    column, flags = read_column("score", {"score": value})

    assert column == stored
    assert type(column) is float
    assert flags == NO_FLAG


@pytest.mark.parametrize("value", [10**400, LONG_INTEGER])
def test_an_integer_that_no_float_can_hold_is_null_with_a_flag(value: JsonValue) -> None:
    """M49: infinity would be a wrong fact."""
    assert read_column("score", {"score": value}) == (None, Flag.INTEGER_RANGE)


@pytest.mark.parametrize("wrong", ["1.5", False, [], {}, float("nan"), float("inf")])
def test_a_real_column_takes_only_finite_numbers(wrong: JsonValue) -> None:
    """M48, M54: SQLite would store NaN as NULL without a word."""
    assert read_column("score", {"score": wrong}) == (None, Flag.FIELD_DRIFT)


@pytest.mark.parametrize(
    ("room", "room_id", "flags"),
    [
        ({"id": "hall"}, "hall", Flag.FIELD_DRIFT),
        ("hall", "hall", NO_FLAG),
        ({"name": "hall"}, None, Flag.FIELD_DRIFT),
        ({"id": None}, None, Flag.FIELD_DRIFT),
        (None, None, NO_FLAG),
    ],
)
def test_a_path_into_something_that_is_no_object_is_absent(
    room: JsonValue, room_id: str | None, flags: Flag
) -> None:
    """M54: only the second source, the key itself, can be of the wrong type."""
    fields = promoted(ColumnType.TEXT, ("room", "id"), "room")

    columns, found = columns_of(fields, {"room": room})

    assert columns["extra"] == room_id
    assert found == (NO_FLAG if room_id else flags)


def test_a_path_may_be_deep() -> None:
    """Each key leads one object further."""
    fields = promoted(ColumnType.INTEGER, ("a", "b", "c"))

    columns, flags = columns_of(fields, {"a": {"b": {"c": 7}}})

    assert (columns["extra"], flags) == (7, NO_FLAG)


def test_nul_in_text_is_shown_escaped_and_flagged() -> None:
    """M43: both engines can store it; raw has the real character."""
    event: JsonObject = {"event_type": "a\0b", "actor": "\0", "mode": "\0\0"}

    columns, flags = columns_of(FIELDS, event)

    assert columns["kind"] == r"a\u0000b"
    assert columns["actor"] == r"\u0000"
    assert columns["mode"] == r"\u0000\u0000"
    assert flags == Flag.NUL_ESCAPED


def test_nul_in_a_payload_is_the_escape_that_json_asks_for() -> None:
    """M43: in JSON text the escape is the character, so nothing is remarkable."""
    assert read_column("payload_json", {"detail": {"a\0": "\0"}}) == (
        r'{"a\u0000":"\u0000"}',
        NO_FLAG,
    )


@pytest.mark.parametrize("wrong", ["x", 1, True])
def test_a_payload_is_the_first_object_or_array(wrong: JsonValue) -> None:
    """M54: a scalar is drift, the next source is tried."""
    assert read_column("payload_json", {"detail": wrong, "args": [1]}) == (
        "[1]",
        Flag.FIELD_DRIFT,
    )


def test_a_payload_of_the_rest_leaves_out_what_has_its_own_column() -> None:
    """All other members in the order of the log; the event itself stays as it is."""
    fields = FieldMap(kind=("kind",), payload=AllExcept(keys=frozenset({"kind", "ts"})))
    event: JsonObject = {"b": 1, "kind": "x", "a": {"ts": 2}}

    columns, flags = columns_of(fields, event)

    assert columns["payload_json"] == '{"b":1,"a":{"ts":2}}'
    assert flags == NO_FLAG
    assert event == {"b": 1, "kind": "x", "a": {"ts": 2}}


def test_a_payload_keeps_integers_of_any_length_up_to_4300_digits() -> None:
    """M49: written again digit by digit."""
    payload, flags = read_column("payload_json", {"detail": {"n": 10**4000 + 7}})

    assert payload == '{"n":' + str(10**4000 + 7) + "}"
    assert flags == NO_FLAG


@pytest.mark.parametrize("value", [LONG_INTEGER, HUGE, LONE_SURROGATE])
@pytest.mark.parametrize("payload", [("detail",), AllExcept(keys=frozenset())])
def test_a_payload_that_cannot_be_written_again_is_null_with_a_flag(
    payload: tuple[Source, ...] | AllExcept, value: JsonValue
) -> None:
    """M49: the raw line has it all."""
    fields = FieldMap(kind=("kind",), payload=payload)

    columns, flags = columns_of(fields, {"detail": [value]})

    assert (columns["payload_json"], flags) == (None, Flag.NO_PAYLOAD)


@pytest.mark.parametrize(
    ("ts", "us", "text", "flags"),
    [
        ("2026-03-14T08:21:07Z", 1_773_476_467_000_000, "2026-03-14T08:21:07Z", NO_FLAG),
        (1_773_476_467, 1_773_476_467_000_000, "1773476467", NO_FLAG),
        (1_773_476_467.5, 1_773_476_467_500_000, "1773476467.5", NO_FLAG),
        ("2026-03-14T08:21:07", None, "2026-03-14T08:21:07", Flag.TIME_UNZONED),
        ("n/a", None, "n/a", Flag.TIME_INVALID),
        ("a\0", None, r"a\u0000", Flag.TIME_INVALID | Flag.NUL_ESCAPED),
        (7, None, "7", Flag.TIME_UNIT_UNCLEAR),
        pytest.param(10**5000, None, None, Flag.TIME_UNIT_UNCLEAR, id="5,000 digits"),
        (LONG_INTEGER, None, None, Flag.INTEGER_RANGE),
    ],
)
def test_a_time_has_its_text_beside_it_and_the_flags_of_its_reading(
    ts: JsonValue, us: int | None, text: str | None, flags: Flag
) -> None:
    """M55: the first source that is text or a number counts, even where it is no time."""
    columns, found = columns_of(FIELDS, {"ts": ts, "timestamp": "2026-01-01T00:00:00Z"})

    assert (columns["ts"], columns["ts_text"], found) == (us, text, flags)


@pytest.mark.parametrize("wrong", [True, [], {"iso": "2026-03-14T08:21:07Z"}])
def test_a_time_of_another_type_is_skipped(wrong: JsonValue) -> None:
    """M54: drift, and the next source is tried."""
    columns, flags = columns_of(FIELDS, {"ts": wrong, "timestamp": "1970-01-01T00:00:00Z"})

    assert (columns["ts"], columns["ts_text"]) == (0, "1970-01-01T00:00:00Z")
    assert flags == Flag.FIELD_DRIFT


def test_a_declared_epoch_unit_reaches_the_time() -> None:
    """M55: the pack knows what its numbers count."""
    fields = FieldMap(kind=("kind",), ts=("epoch",), epoch_unit=EpochUnit.MILLISECONDS)

    columns, flags = columns_of(fields, {"epoch": 5})

    assert (columns["ts"], columns["ts_text"], flags) == (5_000, "5", NO_FLAG)


def test_flags_of_the_reading_and_of_all_columns_come_together() -> None:
    """None replaces another."""
    extractor = Extractor(FIELDS)
    event: JsonObject = {"mode": 1, "port": 2**64, "ts": "2026-03-14", "detail": [LONG_INTEGER]}

    _, flags = extractor.extract(event, Flag.DUPLICATE_KEY)

    assert flags == (
        Flag.DUPLICATE_KEY
        | Flag.FIELD_DRIFT
        | Flag.INTEGER_RANGE
        | Flag.TIME_UNZONED
        | Flag.NO_PAYLOAD
    )
    assert type(flags) is Flag


def test_flags_of_the_reading_stay_where_extraction_finds_nothing() -> None:
    """A lenient log's remark is not lost on the way."""
    _, flags = Extractor(FIELDS).extract({"mode": "x"}, Flag.BOM)

    assert flags is Flag.BOM


def seconds_as_milliseconds(event: JsonObject) -> JsonValue:
    """Duration in whole milliseconds, from seconds."""
    seconds = event.get("seconds")
    return int(seconds * 1000) if type(seconds) is float else None


def test_a_source_may_be_a_function_of_the_event() -> None:
    """What no key holds can be computed."""
    fields = promoted(ColumnType.INTEGER, "ms", seconds_as_milliseconds)

    assert columns_of(fields, {"ms": 7, "seconds": 1.5}) == (
        {**dict.fromkeys(Extractor(fields).column_names), "kind": "unknown", "extra": 7},
        NO_FLAG,
    )
    assert columns_of(fields, {"seconds": 1.5})[0]["extra"] == 1500
    assert columns_of(fields, {})[0]["extra"] is None


@pytest.mark.parametrize(
    ("value", "stored", "flags"),
    [
        ("", None, NO_FLAG),
        ("a\0", r"a\u0000", Flag.NUL_ESCAPED),
        (LONE_SURROGATE, r"x\ud800", Flag.LONE_SURROGATE),
        (1, None, Flag.FIELD_DRIFT),
    ],
)
def test_what_a_function_returns_is_held_to_the_same_rules(
    value: JsonValue, stored: str | None, flags: Flag
) -> None:
    """M42: a function that decodes text inside text can bring in what the parser keeps out."""
    columns, found = columns_of(promoted(ColumnType.TEXT, lambda _: value), {})

    assert (columns["extra"], found) == (stored, flags)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (promoted(ColumnType.TEXT, lambda event: event["missing"]), "extra"),
        (FieldMap(kind=(lambda event: event["missing"],)), "kind"),
        (FieldMap(kind=("kind",), payload=(lambda event: event["missing"],)), "payload_json"),
    ],
)
def test_a_function_that_raises_is_the_packs_error(fields: FieldMap, name: str) -> None:
    """A pack's bug is named with its column, and never becomes a dead letter."""
    extractor = Extractor(fields)

    with pytest.raises(PackError, match=f"column '{name}' failed with KeyError") as caught:
        extractor.extract({}, NO_FLAG)

    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.fix


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["\0", "1773476467", "2026-03-14T08:21:07Z", LONG_INTEGER]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values),
    max_leaves=5,
)
FIXED_KEYS = ["event_type", "kind", "event_id", "id", "ts", "actor", "player", "session"]
OTHER_KEYS = ["detail", "args", "room", "mode", "port", "src_port", "score", ""]
EVENTS = st.dictionaries(st.sampled_from([*FIXED_KEYS, *OTHER_KEYS]), JSON_VALUES)


@settings(derandomize=True, max_examples=400)
@given(event=EVENTS)
def test_any_event_gives_columns_that_a_store_can_hold(event: JsonObject) -> None:
    """Text that encodes and has no NUL, integers of 64 bits, and always a kind."""
    columns, _ = columns_of(FIELDS, event)

    assert columns["kind"]
    for value in columns.values():
        assert value is None or type(value) in {str, int, float}
        assert not isinstance(value, str) or "\0" not in value
        assert not isinstance(value, str) or value.encode() is not None
        assert not isinstance(value, int) or -(2**63) <= value < 2**63
