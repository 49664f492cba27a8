"""What the world pack makes of each log shape, and what its queries answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from evidentia.event.values import Flag
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import ReportSection
from evidentia.packs.world import PACK
from evidentia.packs.world.fields import DENIALS

Columns = dict[str, object]
ColumnsOf = Callable[..., tuple[Columns, Flag]]
Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
EmptyColumns = Callable[[Rows], list[int]]

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""
SECOND = 1_000_000
NEXT_DAY = START + 86_400 * SECOND


def _moment(second: int) -> str:
    """So many seconds after the start; from 100 on, in the days after it."""
    return f"2026-01-{1 + second // 100:02}T00:00:{second % 100:02}Z"


def _line(**members: object) -> bytes:
    return json.dumps(members).encode()


def _growth(second: int, what: str, **more: object) -> bytes:
    return _line(
        event_id=f"ge_{second}",
        ts=_moment(second),
        event_type=f"growth.{what}",
        actor="gardener",
        **more,
    )


def _bot(second: int, result: str, **more: object) -> bytes:
    return _line(
        ts=_moment(second),
        actor_id="bot_1",
        role="visitor",
        source="ai_player",
        cmd_text="build",
        result=result,
        **more,
    )


def _look(second: int, room: object) -> bytes:
    return _line(ts=_moment(second), event_id="ba", action="look", room=room)


def test_world_keeps_the_contract() -> None:
    """The pack passes the check that every pack must pass, its samples of every shape included."""
    problems = check_pack(PACK)

    assert problems == ()


@pytest.mark.parametrize("number", range(len(PACK.samples)))
def test_every_shape_has_a_kind_that_the_pack_knows(columns_of: ColumnsOf, number: int) -> None:
    """IN-13: no row is ``unknown``, heartbeats and rotation markers included; none shows drift."""
    columns, flags = columns_of(PACK, PACK.samples[number].line)

    assert columns["kind"] in PACK.known_kinds
    assert Flag.FIELD_DRIFT not in flags


@pytest.mark.parametrize("result", ["allowed", "denied", "rate_limited"])
def test_bot_audit_rows_have_actor_and_outcome(columns_of: ColumnsOf, result: str) -> None:
    """IN-14: a bot's row shows who it was and what was decided."""
    columns, _ = columns_of(PACK, _bot(1, result))

    assert columns["actor"] == "bot_1"
    assert columns["kind"] == f"bot.{result}"
    assert columns["decision"] == result


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (_line(ts="", event_type="a", kind="b", action="c", verb="d", event="e"), "a"),
        (_line(kind="b", action="c", verb="d", event="e", tick_id="t"), "b"),
        (_line(action="c", verb="d", event="e", type="g"), "c"),
        (_line(verb="dev buildstub", event="e", type="g"), "dev buildstub"),
        (_line(event="e", source="ai_player", result="denied"), "e"),
        (_line(source="ai_player", result="denied", type="g"), "bot.denied"),
        (_line(source="other", cmd_text="", result="held"), "bot.held"),
        (_line(source="ai_player", type="g"), "ai_player"),
        (_line(source="player_chat", result="denied", type="g"), "player_chat"),
        (_line(type="g", tick_id="t"), "g"),
        (_line(tick_id="t"), "heartbeat"),
        (_line(event_type="", kind=None, action="c"), "c"),
        (_line(id="x"), "unknown"),
    ],
)
def test_kind_takes_the_first_key_with_a_value(
    columns_of: ColumnsOf, line: bytes, kind: str
) -> None:
    """IN-13: event_type, kind, action, verb, event, bot, source, type, heartbeat, in this order."""
    columns, _ = columns_of(PACK, line)

    assert columns["kind"] == kind


@pytest.mark.parametrize(
    ("line", "event_id", "writer_id"),
    [
        (_line(event_id="build_1", id="evt_1", tick_id="hb_1"), "build_1", "evt_1"),
        (_line(id="evt_1", tick_id="hb_1"), "evt_1", None),
        (_line(tick_id="hb_1"), "hb_1", None),
        (_line(event_id="", id="evt_1"), "evt_1", None),
        (_line(event_id="ge_1"), "ge_1", None),
    ],
)
def test_both_ids_of_a_row_are_kept(
    columns_of: ColumnsOf, line: bytes, event_id: str, writer_id: str | None
) -> None:
    """A row with event_id and id keeps the first as its id and the second beside it."""
    columns, _ = columns_of(PACK, line)

    assert (columns["event_id"], columns["writer_id"]) == (event_id, writer_id)


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        (_line(event_type="growth.offer.rejected"), "rejected"),
        (_line(kind="door.blocked"), "blocked"),
        (_line(event_type="governance_denial"), "denied"),
        (_line(event_type="permission_check", result="approved"), "approved"),
        (_line(event_type="access.denied", result="allowed"), "allowed"),
        (_line(event_type="generated"), None),
        (_line(action="author"), None),
        (_line(event_type=7), None),
    ],
)
def test_decision_comes_from_the_result_or_the_kind(
    columns_of: ColumnsOf, line: bytes, decision: str | None
) -> None:
    """VR-03: a denial is a stated result or a whole word of the kind, never a part of one."""
    columns, _ = columns_of(PACK, line)

    assert columns["decision"] == decision


def test_a_time_without_zone_is_kept_but_not_guessed(columns_of: ColumnsOf) -> None:
    """A naive time leaves ``ts`` NULL, keeps its text and says so in the flags."""
    columns, flags = columns_of(PACK, _line(ts="2026-01-01T00:00:00", kind="say"))

    assert (columns["ts"], columns["ts_text"]) == (None, "2026-01-01T00:00:00")
    assert Flag.TIME_UNZONED in flags


def test_recent_finds_late_and_zoneless_events_by_batch(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """VR-08: what came in after a batch is found, whatever its time says; nothing comes twice."""
    batches = [
        [_look(1, "meadow"), _line(ts="2026-01-01T00:00:02", kind="say")],
        [
            _line(ts="2026-01-01T00:00:03Z", kind="move", actor="Robin", room={"id": "grove"}),
            _line(ts="2026-01-01T00:00:09", kind="say"),
            _line(ts="2026-01-01T00:00:30Z", kind="say", actor="Wren"),
        ],
    ]

    rows = rows_of(PACK, "recent", batches, since=START + 20 * SECOND, since_batch=1, limit=10)

    log = "evidence/log.jsonl"
    assert rows == [
        (None, "2026-01-01T00:00:09", "say", None, None, 2, log, 4, 2**40 + 4),
        (START + 30 * SECOND, "2026-01-01T00:00:30Z", "say", "Wren", None, 2, log, 5, 2**40 + 5),
        (
            START + 3 * SECOND,
            "2026-01-01T00:00:03Z",
            "move",
            "Robin",
            "grove",
            2,
            log,
            3,
            2**40 + 3,
        ),
    ]
    assert empty_columns(rows) == []


def test_recent_without_a_batch_goes_by_time_alone(rows_of: RowsOf) -> None:
    """Batch 0 means none; the limit keeps the newest."""
    lines = [_look(1, "meadow"), _look(2, "grove"), _look(3, "mill"), _line(kind="say")]

    rows = rows_of(PACK, "recent", [lines], since=START + SECOND, limit=2)

    assert [row[4] for row in rows] == ["mill", "grove"]


def test_growth_story_tells_offers_and_applies_in_order(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """The story is told by time, whatever the order in the log, with why an offer was rejected."""
    window, offer, apply = "2026-01-01T00", "off_1", "app_1"
    lines = [
        _growth(2, "apply.started", window_key=window, offer_id=offer, apply_id=apply),
        _growth(1, "offer.created", window_key=window, offer_id=offer),
        _look(2, "meadow"),
        _growth(3, "offer.rejected", window_key=window, offer_id="off_2", detail={"reason": "no"}),
        _line(kind="growth.new", ts="2026-01-01T00:00:01"),
        _line(kind="growthless", ts="2026-01-01T00:00:01Z"),
    ]

    rows = rows_of(PACK, "growth_story", [lines])

    who = "gardener"
    assert rows == [
        (START + SECOND, "growth.offer.created", who, window, offer, None, None, 2**40 + 2),
        (START + 2 * SECOND, "growth.apply.started", who, window, offer, apply, None, 2**40 + 1),
        (START + 3 * SECOND, "growth.offer.rejected", who, window, "off_2", None, "no", 2**40 + 4),
        (None, "growth.new", None, None, None, None, None, 2**40 + 5),
    ]
    assert empty_columns(rows) == []


def test_growth_story_keeps_the_newest(rows_of: RowsOf) -> None:
    """Where the limit cuts the story, it cuts its beginning."""
    lines = [_growth(second, "offer.created") for second in (3, 1, 2)]

    rows = rows_of(PACK, "growth_story", [lines], limit=2)

    assert [row[0] for row in rows] == [START + 2 * SECOND, START + 3 * SECOND]


def test_security_shows_denials_of_every_writer(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """VR-03, VR-04: bots, permission checks and growth appear; look-alike kinds do not."""
    lines = [
        _bot(1, "denied", reason="may not"),
        _bot(2, "rate_limited", reason="too many"),
        _bot(3, "allowed"),
        _line(ts="2026-01-01T00:00:04Z", event_type="permission_check", actor="R", result="denied"),
        _growth(5, "offer.rejected", detail={"reason": "budget"}),
        _line(ts="2026-01-01T00:00:06Z", event_type="governance_denial", actor="R"),
        *(_line(ts="2026-01-01T00:00:07Z", kind=kind) for kind in ("generate", "author", "deny_x")),
        _line(ts="2026-01-01T00:00:08", kind="gate.blocked"),
    ]

    rows = rows_of(PACK, "security", [lines], since=START + 2 * SECOND)

    log = "evidence/log.jsonl"
    denied = "denied"
    assert rows == [
        (None, "gate.blocked", None, None, "blocked", None, log, 10, 2**40 + 10),
        (START + 6 * SECOND, "governance_denial", "R", None, denied, None, log, 6, 2**40 + 6),
        (
            *(START + 5 * SECOND, "growth.offer.rejected", "gardener", None),
            *("rejected", "budget", log, 5, 2**40 + 5),
        ),
        (START + 4 * SECOND, "permission_check", "R", None, denied, None, log, 4, 2**40 + 4),
        (
            *(START + 2 * SECOND, "bot.rate_limited", "bot_1", "visitor"),
            *("rate_limited", "too many", log, 2, 2**40 + 2),
        ),
    ]
    assert empty_columns(rows) == []


@pytest.mark.parametrize("name", ["security", "report_denials"])
def test_denials_of_the_queries_are_those_of_the_field_map(name: str) -> None:
    """VR-03: the values that a query selects and those that extraction knows are one list."""
    query = next(query for query in PACK.queries if query.name == name)

    selected = re.findall(r"'(\w+)'", query.sql.partition("decision IN")[2].partition(")")[0])

    assert set(selected) == DENIALS


def test_hot_rooms_counts_every_room(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Rooms given as object and as text are one room; events without a time count too."""
    lines = [
        _look(5, {"id": "meadow", "name": "The Meadow"}),
        _look(2, "meadow"),
        _look(3, "grove"),
        _look(4, "mill"),
        _line(kind="say", room="meadow"),
        _line(kind="say"),
    ]

    rows = rows_of(PACK, "hot_rooms", [lines], limit=2)

    assert rows == [
        ("meadow", START + 2 * SECOND, START + 5 * SECOND, 3),
        ("grove", START + 3 * SECOND, START + 3 * SECOND, 1),
    ]
    assert empty_columns(rows) == []


BUDGET_LINES = [
    *(_growth(1, "offer.created", window_key="2026-01-01") for _ in range(5)),
    *(_growth(2, "offer.rejected", window_key="2026-01-01") for _ in range(1)),
    *(_growth(3, "apply.started", window_key="2026-01-01") for _ in range(4)),
    *(_growth(4, "apply.succeeded", window_key="2026-01-01") for _ in range(3)),
    *(_growth(5, "apply.failed", window_key="2026-01-01") for _ in range(2)),
    _growth(6, "offer.created", window_key="2026-01-02"),
    _growth(7, "offer.created"),
]


def test_budget_compliance_counts_each_window(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Offers and applies are counted by window and outcome, the newest window first."""
    rows = rows_of(PACK, "budget_compliance", [BUDGET_LINES])

    assert rows == [("2026-01-02", 1, 0, 0, 0, 0), ("2026-01-01", 5, 1, 4, 3, 2)]
    assert empty_columns(rows) == []


def test_report_growth_counts_the_period(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Only what happened in the period counts: its start belongs to it, its end does not."""
    lines = [
        *BUDGET_LINES,
        _growth(100, "offer.created", window_key="2026-01-01"),
        _growth(101, "apply.failed", window_key="2026-01-03"),
    ]

    rows = rows_of(PACK, "report_growth", [lines], since=START, until=NEXT_DAY)

    assert rows == [("2026-01-01", 5, 1, 4, 3, 2), ("2026-01-02", 1, 0, 0, 0, 0)]
    assert empty_columns(rows) == []


REPORT_LINES = [
    _look(1, "meadow"),
    _look(102, "meadow"),
    _look(103, "grove"),
    _bot(103, "denied"),
    _bot(104, "denied"),
    _bot(104, "allowed"),
    _growth(105, "offer.rejected"),
    _look(200, "mill"),
]
PERIOD = {"since": NEXT_DAY, "until": NEXT_DAY + 86_400 * SECOND}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "report_kinds",
            [("bot.denied", 2), ("look", 2), ("bot.allowed", 1), ("growth.offer.rejected", 1)],
        ),
        (
            "report_actors",
            [
                ("bot_1", NEXT_DAY + 3 * SECOND, NEXT_DAY + 4 * SECOND, 3),
                ("gardener", NEXT_DAY + 5 * SECOND, NEXT_DAY + 5 * SECOND, 1),
            ],
        ),
        (
            "report_rooms",
            [
                ("grove", NEXT_DAY + 3 * SECOND, NEXT_DAY + 3 * SECOND, 1),
                ("meadow", NEXT_DAY + 2 * SECOND, NEXT_DAY + 2 * SECOND, 1),
            ],
        ),
        (
            "report_denials",
            [
                ("bot_1", "bot.denied", "denied", 2),
                ("gardener", "growth.offer.rejected", "rejected", 1),
            ],
        ),
    ],
)
def test_report_sections_count_the_period(
    rows_of: RowsOf, empty_columns: EmptyColumns, query: str, expected: Rows
) -> None:
    """VR-01, VR-02: every section gives the rows counted by hand, and no column stays empty."""
    rows = rows_of(PACK, query, [REPORT_LINES], **PERIOD)

    assert rows == expected
    assert empty_columns(rows) == []


@pytest.mark.parametrize("section", PACK.report, ids=lambda section: section.query)
def test_a_report_leaves_out_the_logs_of_other_packs(
    rows_of: RowsOf, section: ReportSection
) -> None:
    """A section counts what its footer counts: the logs that this pack reads."""
    lines = [*REPORT_LINES, *BUDGET_LINES]

    rows = rows_of(PACK, section.query, [], of_another_pack=lines)

    # Numbers are one row of zeros, whatever there is.
    assert [row for row in rows if any(row)] == []
