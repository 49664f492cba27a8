-- title: One session
-- description: What is kept of the honeypot sessions of one id, by sensor; 100 points of risk are most.
-- parameter session_id: text = 612ea6cecc1b | The id of the session.
-- column sensor: text | Sensor
-- column session_id: text | Session
-- column source: text | Address
-- column protocol: text | Protocol
-- column client_version: text | Client
-- column hassh: text | HASSH
-- column first_ts: time | First
-- column last_ts: time | Last
-- column duration_ms: integer | Milliseconds
-- column attempt_count: integer | Logins tried
-- column success_count: integer | Logins succeeded
-- column command_count: integer | Commands
-- column failed_command_count: integer | Failed commands
-- column download_count: integer | Downloads
-- column failed_download_count: integer | Failed downloads
-- column upload_count: integer | Uploads
-- column event_count: integer | Events
-- column risk_score: integer | Risk
SELECT
    sensor,
    session_id,
    src_ip AS source,
    protocol,
    client_version,
    hassh,
    first_ts,
    last_ts,
    duration_ms,
    login_attempts AS attempt_count,
    login_successes AS success_count,
    command_count,
    failed_commands AS failed_command_count,
    file_downloads AS download_count,
    failed_downloads AS failed_download_count,
    file_uploads AS upload_count,
    event_count,
    risk_score
FROM sessions
WHERE session_id = :session_id
ORDER BY sensor
