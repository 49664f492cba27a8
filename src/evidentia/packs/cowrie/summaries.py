"""The tables that are kept of a honeypot: sessions, commands, credentials, downloads, days."""

from __future__ import annotations

from typing import Final

from evidentia.pack.summary import Key, Points, Score, Summary, count, first, greatest, least

_INPUT: Final = "cowrie.command.input"
_FAILED: Final = "cowrie.command.failed"
_LOGIN_FAILED: Final = "cowrie.login.failed"
_LOGIN_SUCCESS: Final = "cowrie.login.success"
_DOWNLOAD: Final = "cowrie.session.file_download"
_DOWNLOAD_FAILED: Final = "cowrie.session.file_download.failed"
_UPLOAD: Final = "cowrie.session.file_upload"
_SENSOR: Final = Key(name="sensor", column="sensor", missing="")
_SEEN: Final = (least("first_ts", "ts"), greatest("last_ts", "ts"))

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
    indexed=("first_ts",),
    scores=(RISK_SCORE,),
)

COMMAND_STATS: Final = Summary(
    name="command_stats",
    version=1,
    title="Commands",
    keys=(Key(name="command", column="command"),),
    measures=(
        count("occurrences", _INPUT),
        count("failures", _FAILED),
        least("first_seen", "ts"),
        greatest("last_seen", "ts"),
        greatest("high_risk", "high_risk"),
    ),
    kinds=(_INPUT, _FAILED),
)

CREDENTIALS: Final = Summary(
    name="credentials",
    version=1,
    title="User names and passwords",
    keys=(
        Key(name="username", column="username", missing=""),
        # A login by public key has none.
        Key(name="password", column="password", missing=""),
    ),
    measures=(
        count("attempts"),
        count("successes", _LOGIN_SUCCESS),
        least("first_seen", "ts"),
        greatest("last_seen", "ts"),
    ),
    kinds=(_LOGIN_FAILED, _LOGIN_SUCCESS),
)

DOWNLOADED: Final = Summary(
    name="downloads",
    version=1,
    title="Downloaded files",
    keys=(Key(name="shasum", column="shasum"),),
    measures=(
        count("occurrences"),
        first("url", "url"),
        least("first_seen", "ts"),
        greatest("last_seen", "ts"),
    ),
    kinds=(_DOWNLOAD,),
)

DAILY: Final = Summary(
    name="daily",
    version=1,
    title="Events by day, sensor and kind",
    keys=(
        # An event without a time is of no day: -1 is none's start.
        Key(name="day", column="ts", is_day=True, missing=-1),
        _SENSOR,
        Key(name="kind", column="kind"),
    ),
    measures=(count("events"),),
)

SUMMARIES: Final = (SESSIONS, COMMAND_STATS, CREDENTIALS, DOWNLOADED, DAILY)
