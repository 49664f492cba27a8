-- title: Silence
-- description: Stretches without any event between two events of a period, the longest first. Before the first and after the last event nothing is said.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter hours: integer = 2 | At least so many hours.
-- parameter limit: integer = 50 | At most this many stretches.
-- column last_ts: time | Last event before
-- column next_ts: time | First event after
-- column silent_hours: integer | Whole hours
WITH followed AS (
    SELECT ts AS last_ts, LEAD(ts) OVER (ORDER BY ts) AS next_ts
    FROM events
    WHERE ts >= :since AND ts < :until AND pack = 'cowrie'
)
SELECT last_ts, next_ts, (next_ts - last_ts) / 3600000000 AS silent_hours
FROM followed
WHERE next_ts - last_ts >= :hours * 3600000000
ORDER BY next_ts - last_ts DESC, last_ts
LIMIT :limit
