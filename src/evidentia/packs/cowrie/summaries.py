"""The tables that are kept of a honeypot: sessions, and the rest by day or hour.

Reports read these tables, so what a report says is told apart by sensor and by day. The relations
over all days are added up over them, and cost nothing while a log is read.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.summary import (
    Key,
    Points,
    Rollup,
    Score,
    Summary,
    count,
    first,
    greatest,
    least,
    total,
)

_INPUT: Final = "cowrie.command.input"
_FAILED: Final = "cowrie.command.failed"
_LOGIN_FAILED: Final = "cowrie.login.failed"
_LOGIN_SUCCESS: Final = "cowrie.login.success"
_DOWNLOAD: Final = "cowrie.session.file_download"
_DOWNLOAD_FAILED: Final = "cowrie.session.file_download.failed"
_UPLOAD: Final = "cowrie.session.file_upload"
_SENSOR: Final = Key(name="sensor", column="sensor", missing="")
_SEEN: Final = (least("first_ts", "ts"), greatest("last_ts", "ts"))
# An event without a time is of no day: -1 is none's start.
_DAY: Final = Key(name="day", column="ts", is_day=True, missing=-1)
_ROLLED_SEEN: Final = (least("first_seen", "first_ts"), greatest("last_seen", "last_ts"))

RISK_SCORE: Final = Score(
    name="risk_score",
    # 0 to 100. How far the visitor came, not how clever he was: in, typing, fetching.
    points=(
        Points(measure="login_successes", each=20, most=20),
        Points(measure="command_count", each=2, most=20),
        Points(measure="high_risk", each=30, most=30),
        Points(measure="file_downloads", each=20, most=20),
        Points(measure="file_uploads", each=10, most=10),
    ),
)

SESSIONS: Final = Summary(
    name="sessions",
    version=1,
    title="Honeypot sessions",
    # The session first, so that it is found by its id alone.
    keys=(Key(name="session_id", column="session_id"), _SENSOR),
    measures=(
        *_SEEN,
        first("src_ip", "actor"),
        first("protocol", "protocol"),
        first("client_version", "client_version"),
        first("hassh", "hassh"),
        greatest("duration_ms", "duration_ms", "cowrie.session.closed"),
        count("event_count"),
        # A command that fails is written twice, as input and as failed; it is one command.
        count("command_count", _INPUT),
        count("failed_commands", _FAILED),
        count("login_attempts", _LOGIN_FAILED, _LOGIN_SUCCESS),
        count("login_successes", _LOGIN_SUCCESS),
        count("file_downloads", _DOWNLOAD),
        count("failed_downloads", _DOWNLOAD_FAILED),
        count("file_uploads", _UPLOAD),
        greatest("high_risk", "high_risk", _INPUT),
    ),
    # What a report needs of the sessions that began in a period is in the index itself.
    indexed=(("first_ts", "command_count"),),
    scores=(RISK_SCORE,),
)

COMMAND_DAYS: Final = Summary(
    name="command_days",
    version=1,
    title="Commands by day",
    keys=(_DAY, _SENSOR, Key(name="command", column="command", missing="")),
    measures=(
        count("occurrences", _INPUT),
        count("failures", _FAILED),
        # When it was typed: that it failed is written a moment later.
        least("first_ts", "ts", _INPUT),
        greatest("last_ts", "ts", _INPUT),
        greatest("high_risk", "high_risk"),
    ),
    kinds=(_INPUT, _FAILED),
    rollups=(
        Rollup(
            name="command_stats",
            title="Commands",
            keys=(Key(name="command", column="command"),),
            measures=(
                total("occurrences", "occurrences"),
                total("failures", "failures"),
                *_ROLLED_SEEN,
                greatest("high_risk", "high_risk"),
            ),
        ),
    ),
)

_USERNAME: Final = Key(name="username", column="username", missing="")
# A login by public key has none.
_PASSWORD: Final = Key(name="password", column="password", missing="")

CREDENTIAL_DAYS: Final = Summary(
    name="credential_days",
    version=1,
    title="User names and passwords by day",
    keys=(_DAY, _SENSOR, _USERNAME, _PASSWORD),
    measures=(count("attempts"), count("successes", _LOGIN_SUCCESS), *_SEEN),
    kinds=(_LOGIN_FAILED, _LOGIN_SUCCESS),
    rollups=(
        Rollup(
            name="credentials",
            title="User names and passwords",
            keys=(_USERNAME, _PASSWORD),
            measures=(
                total("attempts", "attempts"),
                total("successes", "successes"),
                *_ROLLED_SEEN,
            ),
        ),
    ),
)

SOURCE_DAYS: Final = Summary(
    name="source_days",
    version=1,
    title="Addresses by day",
    keys=(_DAY, _SENSOR, Key(name="source", column="actor")),
    measures=(
        count("connections", "cowrie.session.connect"),
        count("attempts", _LOGIN_FAILED, _LOGIN_SUCCESS),
        count("successes", _LOGIN_SUCCESS),
        count("commands", _INPUT),
        count("downloads", _DOWNLOAD),
        *_SEEN,
        count("event_count"),
    ),
)

DOWNLOAD_DAYS: Final = Summary(
    name="download_days",
    version=1,
    title="Files by day: fetched, not fetched, sent",
    keys=(
        _DAY,
        _SENSOR,
        Key(name="kind", column="kind"),
        Key(name="url", column="url", missing=""),
        Key(name="shasum", column="shasum", missing=""),
        # Files are few, so they are told apart by source as well.
        Key(name="source", column="actor", missing=""),
    ),
    measures=(count("occurrences"), *_SEEN),
    kinds=(_DOWNLOAD, _DOWNLOAD_FAILED, _UPLOAD),
    rollups=(
        Rollup(
            name="downloads",
            title="Downloaded files",
            keys=(Key(name="shasum", column="shasum"),),
            measures=(total("occurrences", "occurrences"), first("url", "url"), *_ROLLED_SEEN),
            time="first_ts",
            kinds=(_DOWNLOAD,),
        ),
    ),
)

HOURLY: Final = Summary(
    name="hourly",
    version=1,
    title="Events by hour, sensor and kind",
    keys=(
        Key(name="hour", column="ts", is_hour=True, missing=-1),
        _SENSOR,
        Key(name="kind", column="kind"),
    ),
    measures=(count("events"),),
    rollups=(
        Rollup(
            name="daily",
            title="Events by day, sensor and kind",
            keys=(
                Key(name="day", column="hour", is_day=True, missing=-1),
                Key(name="sensor", column="sensor", missing=""),
                Key(name="kind", column="kind"),
            ),
            measures=(total("events", "events"),),
        ),
    ),
)

SUMMARIES: Final = (
    *(SESSIONS, COMMAND_DAYS, CREDENTIAL_DAYS),
    *(SOURCE_DAYS, DOWNLOAD_DAYS, HOURLY),
)
