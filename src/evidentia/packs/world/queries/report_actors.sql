-- title: Busiest actors
-- description: The actors with the most events in a period. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 20 | At most this many actors.
-- column actor: text | Actor
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT
    actor,
    MIN(first_ts) AS first_ts,
    MAX(last_ts) AS last_ts,
    SUM(event_count) AS event_count
FROM world_hours
WHERE hour >= :since AND hour < :until AND hour <> -1 AND actor <> ''
GROUP BY actor
ORDER BY SUM(event_count) DESC, actor
LIMIT :limit
