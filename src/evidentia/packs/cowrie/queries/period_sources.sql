-- title: Top sources of a period
-- description: The addresses with the most events in a period, and what they did. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
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
    source,
    SUM(connections) AS connection_count,
    SUM(attempts) AS attempt_count,
    SUM(successes) AS success_count,
    SUM(commands) AS command_count,
    SUM(downloads) AS download_count,
    MIN(first_ts) AS first_ts,
    MAX(last_ts) AS last_ts,
    SUM(event_count) AS event_count
FROM source_days
WHERE day >= :since AND day < :until AND day <> -1
GROUP BY source
ORDER BY SUM(event_count) DESC, source
LIMIT :limit
