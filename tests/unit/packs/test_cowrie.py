"""What the cowrie pack makes of ten years of drift, and what its queries answer."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from evidentia.event.values import Flag
from evidentia.pack.conformance import check_pack
from evidentia.packs.cowrie import PACK

Columns = dict[str, object]
ColumnsOf = Callable[..., tuple[Columns, Flag]]
Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
EmptyColumns = Callable[[Rows], list[int]]

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def _line(**members: object) -> bytes:
    return json.dumps(members).encode()


def _event(second: int, what: str, **more: object) -> bytes:
    members: dict[str, object] = {
        "eventid": f"cowrie.{what}",
        "timestamp": f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000000Z",
        "sensor": "north",
        "session": "0123456789ab",
        "src_ip": "192.0.2.7",
    }
    return json.dumps({**members, **more}).encode()


def _tried(second: int, what: str, pair: str, **more: object) -> bytes:
    username, password = pair.split("/")
    return _event(second, what, username=username, password=password, **more)


def test_cowrie_keeps_the_contract() -> None:
    """The pack passes the check that every pack must pass, its samples of every drift included."""
    problems = check_pack(PACK)

    assert problems == ()


@pytest.mark.parametrize("number", range(len(PACK.samples)))
def test_known_drift_is_not_flagged(columns_of: ColumnsOf, number: int) -> None:
    """Lists as message, text durations, missing passwords and IPv6 are read without a complaint."""
    _, flags = columns_of(PACK, PACK.samples[number].line)

    assert flags == Flag(0)


def test_all_48_event_ids_are_known() -> None:
    """The catalogue is complete, so only a new event id is listed as unknown."""
    assert len(PACK.known_kinds) == 48
    assert all(kind.startswith("cowrie.") for kind in PACK.known_kinds)


@pytest.mark.parametrize(
    ("members", "duration_ms"),
    [
        ({"duration_ms": 1305}, 1305),
        ({"duration_ms": 0, "duration": 7}, 0),
        ({"duration": 1.3048639297485352}, 1305),
        ({"duration": 88}, 88_000),
        ({"duration": "88.7"}, 88_700),
        ({"duration": "0"}, 0),
        ({"duration": 0.0004}, 0),
        ({"duration": -0.5}, -500),
        ({}, None),
        ({"duration": None}, None),
        ({"duration": ""}, None),
    ],
)
def test_durations_of_every_release_are_whole_milliseconds(
    columns_of: ColumnsOf, members: dict[str, object], duration_ms: int | None
) -> None:
    """Milliseconds, seconds and seconds as text give one column, and nothing is drift."""
    columns, flags = columns_of(PACK, _line(eventid="cowrie.session.closed", **members))

    assert columns["duration_ms"] == duration_ms
    assert Flag.FIELD_DRIFT not in flags


@pytest.mark.parametrize(
    "duration",
    [True, [1], {"s": 1}, "soon", "nan", "1e400", "1_0", "-1", 1e308, "9" * 400, "\u0661"],
)
def test_what_is_no_duration_is_drift_and_raises_nothing(
    columns_of: ColumnsOf, duration: object
) -> None:
    """A duration that means nothing leaves the column NULL and says so in the flags."""
    columns, flags = columns_of(PACK, _line(eventid="x", duration=duration))

    assert columns["duration_ms"] is None
    assert Flag.FIELD_DRIFT in flags


def test_a_duration_above_64_bits_is_not_stored(columns_of: ColumnsOf) -> None:
    """An integer that no column holds leaves it NULL; the raw line is exact."""
    columns, flags = columns_of(PACK, _line(eventid="x", duration=2**70))

    assert columns["duration_ms"] is None
    assert flags


def test_uuid_is_not_the_event_id(columns_of: ColumnsOf) -> None:
    """The uuid is one constant per sensor, so an event has no id of its own."""
    columns, _ = columns_of(PACK, _event(1, "client.size", uuid="6a1f", width=80))

    assert columns["event_id"] is None
    assert columns["payload_json"] == '{"uuid":"6a1f","width":80}'


def test_login_by_public_key_has_no_password(columns_of: ColumnsOf) -> None:
    """IN-36: a login without password is an event like any other, its password NULL."""
    columns, _ = columns_of(PACK, _event(1, "login.success", username="root", key="AAAA"))

    assert (columns["username"], columns["password"]) == ("root", None)


def test_an_event_id_outside_the_catalogue_is_stored(columns_of: ColumnsOf) -> None:
    """IN-16: an unknown event id is a kind of its own, never a refusal."""
    columns, flags = columns_of(PACK, _event(1, "brand-new_thing"))

    assert columns["kind"] == "cowrie.brand-new_thing"
    assert flags == Flag(0)


COMMAND_LINES = [
    _event(1, "command.input", input="uname -a"),
    _event(2, "command.input", input="uname -a", src_ip="2001:db8::1"),
    _event(3, "command.input", input="uname -a"),
    _event(4, "command.input", input="ls"),
    _event(5, "command.failed", input="uname -a"),
    _event(6, "command.success", input="uname -a"),
    _event(8, "command.input", input="ls"),
    _event(9, "command.input", input="late"),
]


def test_top_commands_counts_input_alone(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """IN-31: a command counts once, when it was typed; its success and failure do not."""
    rows = rows_of(PACK, "top_commands", [COMMAND_LINES], until=START + 9 * SECOND)

    assert rows == [
        ("uname -a", 2, START + SECOND, START + 3 * SECOND, 3),
        ("ls", 1, START + 4 * SECOND, START + 8 * SECOND, 2),
    ]
    assert empty_columns(rows) == []


def test_top_commands_keeps_the_most_frequent(rows_of: RowsOf) -> None:
    """The limit cuts the rare commands; since belongs to the period."""
    rows = rows_of(PACK, "top_commands", [COMMAND_LINES], since=START + 3 * SECOND, limit=1)

    assert [(row[0], row[-1]) for row in rows] == [("ls", 2)]


def test_top_credentials_counts_pairs(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Pairs are counted with their successes; a login by key is a pair without password."""
    lines = [
        _tried(1, "login.failed", "root/admin"),
        _tried(2, "login.success", "root/admin", src_ip="203.0.113.1"),
        _tried(3, "login.success", "root/admin"),
        _event(4, "login.success", username="git", key="AAAA"),
        _tried(5, "login.failed", "root/1"),
        _tried(6, "command.input", "root/admin"),
        _tried(7, "login.failed", "late/1"),
    ]

    rows = rows_of(PACK, "top_credentials", [lines], until=START + 7 * SECOND)

    assert rows == [("root", "admin", 2, 2, 3), ("git", None, 1, 1, 1), ("root", "1", 1, 0, 1)]
    assert empty_columns(rows) == []


def test_top_sources_says_what_each_address_did(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """Connections, logins, commands and downloads of each address, the busiest first."""
    other = {"src_ip": "2001:db8::1", "session": "ba9876543210"}
    lines = [
        _event(1, "session.connect"),
        _event(2, "login.failed"),
        _event(3, "login.success"),
        _event(4, "command.input", input="id"),
        _event(4, "command.input", input="ls"),
        _event(5, "session.file_download"),
        _event(6, "session.file_download.failed"),
        _event(7, "session.connect", **other),
        _event(8, "session.closed", **other),
        _line(eventid="cowrie.abuseipdb.started", timestamp="2026-01-01T00:00:09Z"),
    ]

    rows = rows_of(PACK, "top_sources", [lines])

    assert rows == [
        ("192.0.2.7", 1, 2, 1, 2, 1, START + SECOND, START + 6 * SECOND, 7),
        ("2001:db8::1", 1, 0, 0, 0, 0, START + 7 * SECOND, START + 8 * SECOND, 2),
    ]
    assert empty_columns(rows) == []


def test_downloads_keep_outcomes_apart(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """IN-31: a failed download and an upload are no downloads."""
    url, digest = "http://203.0.113.5/x.sh", "0f" * 32
    lines = [
        _event(1, "session.file_download", url=url, shasum=digest),
        _event(2, "session.file_download", url=url, shasum=digest, src_ip="203.0.113.9"),
        _event(3, "session.file_download.failed", url=url),
        _event(4, "session.file_upload", filename="x", shasum=digest),
        _event(5, "log.closed", shasum=digest),
    ]

    rows = rows_of(PACK, "downloads", [lines])

    first = "cowrie.session.file_download"
    assert rows == [
        (first, url, digest, 2, START + SECOND, START + 2 * SECOND, 2),
        (f"{first}.failed", url, None, 1, START + 3 * SECOND, START + 3 * SECOND, 1),
        ("cowrie.session.file_upload", None, digest, 1, START + 4 * SECOND, START + 4 * SECOND, 1),
    ]
    assert empty_columns(rows) == []


SESSION_LINES = [
    _event(1, "session.connect", protocol="ssh"),
    _event(2, "login.failed"),
    _event(3, "login.success"),
    _event(4, "command.input", input="id"),
    _event(5, "command.success", input="id"),
    _event(6, "session.file_download", shasum="0f"),
    _event(7, "session.file_download.failed"),
    _event(8, "session.file_upload", shasum="0f"),
    _event(9, "session.closed", duration_ms=8000),
    _event(20, "session.connect", sensor="east", src_ip="203.0.113.3", protocol="telnet"),
    _event(30, "session.connect", session="ffff"),
    _line(eventid="cowrie.abuseipdb.started", timestamp="2026-01-01T00:00:09Z"),
]


def test_sessions_are_counted_whole_and_by_sensor(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """IN-32: the same id on two sensors is two sessions; IN-31: each counter is one event id."""
    rows = rows_of(PACK, "sessions", [SESSION_LINES], until=START + 25 * SECOND)

    session = "0123456789ab"
    early, late = START + SECOND, START + 20 * SECOND
    assert rows == [
        ("east", session, "203.0.113.3", "telnet", late, late, 0, 0, 0, 0, 0, 0, 1),
        ("north", session, "192.0.2.7", "ssh", early, early + 8 * SECOND, 2, 1, 1, 1, 1, 1, 9),
    ]
    assert empty_columns(rows) == []


def test_a_session_over_the_edge_of_the_period_counts_whole(rows_of: RowsOf) -> None:
    """One event inside is enough; the sessions of other sensors do not slip in with it."""
    rows = rows_of(
        PACK, "sessions", [SESSION_LINES], since=START + 9 * SECOND, until=START + 10 * SECOND
    )

    assert [(row[0], row[4], row[-1]) for row in rows] == [("north", START + SECOND, 9)]


def test_sessions_keep_the_newest(rows_of: RowsOf) -> None:
    """The limit cuts the oldest sessions."""
    rows = rows_of(PACK, "sessions", [SESSION_LINES], limit=1)

    assert [row[1] for row in rows] == ["ffff"]


@pytest.mark.parametrize("name", ["sessions", "top_sources"])
def test_other_packs_have_no_part_in_sessions_and_sources(rows_of: RowsOf, name: str) -> None:
    """Session ids and actors of another pack's log in the same store are not the honeypot's."""
    rows = rows_of(PACK, name, [SESSION_LINES[-2:]], of_another_pack=SESSION_LINES)

    assert [row[-1] for row in rows] == [1]


LOGIN_LINES = [
    _event(0, "login.failed"),
    _event(1, "login.success"),
    _event(59 * 60, "login.failed"),
    _event(59, "login.success", timestamp="2026-01-01T23:00:00Z"),
    _event(59, "login.success", timestamp="2026-01-03T01:00:00Z"),
    _event(2, "command.input"),
]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (2, [(START, 1, 2, 3), (START + 23 * HOUR, 1, 0, 1)]),
        (3, [(START, 2, 2, 4), (START + 2 * DAY, 1, 0, 1)]),
    ],
)
def test_logins_are_counted_by_hour_or_day(
    rows_of: RowsOf, empty_columns: EmptyColumns, days: int, expected: Rows
) -> None:
    """VR-01, VR-02: up to two days by the hour, longer periods by the day."""
    rows = rows_of(PACK, "logins", [LOGIN_LINES], since=START, until=START + days * DAY)

    assert rows == expected
    assert empty_columns(rows) == []
