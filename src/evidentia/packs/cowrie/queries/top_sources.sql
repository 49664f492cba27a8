-- title: Top sources
-- description: The addresses with the most events in a period, and what they did.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 20 | At most this many addresses.
-- column source: text | Address
-- column connection_count: integer | Connections
-- column attempt_count: integer | Logins tried
-- column success_count: integer | Logins succeeded
-- column command_count: integer | Commands
-- column download_count: integer | Downloads
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT
    actor AS source,
    COUNT(CASE WHEN kind = 'cowrie.session.connect' THEN 1 END) AS connection_count,
    COUNT(CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN 1 END)
        AS attempt_count,
    COUNT(CASE WHEN kind = 'cowrie.login.success' THEN 1 END) AS success_count,
    COUNT(CASE WHEN kind = 'cowrie.command.input' THEN 1 END) AS command_count,
    COUNT(CASE WHEN kind = 'cowrie.session.file_download' THEN 1 END) AS download_count,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(*) AS event_count
FROM events
WHERE actor IS NOT NULL AND ts >= :since AND ts < :until
  AND pack = 'cowrie'
GROUP BY actor
ORDER BY event_count DESC, source
LIMIT :limit
