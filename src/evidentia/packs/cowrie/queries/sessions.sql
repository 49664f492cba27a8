-- title: Sessions
-- description: The honeypot sessions with an event in a period, newest first; each is counted whole, and one session is one sensor's.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 100 | At most this many sessions.
-- column sensor: text | Sensor
-- column session_id: text | Session
-- column source: text | Address
-- column protocol: text | Protocol
-- column first_ts: time | First
-- column last_ts: time | Last
-- column attempt_count: integer | Logins tried
-- column success_count: integer | Logins succeeded
-- column command_count: integer | Commands
-- column download_count: integer | Downloads
-- column failed_download_count: integer | Failed downloads
-- column upload_count: integer | Uploads
-- column event_count: integer | Events
SELECT
    sensor,
    session_id,
    MIN(actor) AS source,
    MIN(protocol) AS protocol,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN 1 END)
        AS attempt_count,
    COUNT(CASE WHEN kind = 'cowrie.login.success' THEN 1 END) AS success_count,
    COUNT(CASE WHEN kind = 'cowrie.command.input' THEN 1 END) AS command_count,
    COUNT(CASE WHEN kind = 'cowrie.session.file_download' THEN 1 END) AS download_count,
    COUNT(CASE WHEN kind = 'cowrie.session.file_download.failed' THEN 1 END)
        AS failed_download_count,
    COUNT(CASE WHEN kind = 'cowrie.session.file_upload' THEN 1 END) AS upload_count,
    COUNT(*) AS event_count
FROM events
WHERE session_id IS NOT NULL
  -- The whole session counts, also where it reaches over an end of the period.
  AND session_id IN (
    SELECT session_id FROM events WHERE ts >= :since AND ts < :until
  )
  AND pack = 'cowrie'
GROUP BY sensor, session_id
HAVING COUNT(CASE WHEN ts >= :since AND ts < :until THEN 1 END) > 0
ORDER BY first_ts DESC, sensor, session_id
LIMIT :limit
