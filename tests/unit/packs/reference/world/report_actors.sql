-- title: Busiest actors
-- description: The actors with the most events in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 20 | At most this many actors.
-- column actor: text | Actor
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT actor, MIN(ts) AS first_ts, MAX(ts) AS last_ts, COUNT(*) AS event_count
FROM events
WHERE ts >= :since AND ts < :until AND actor IS NOT NULL
  AND pack = 'world'
GROUP BY actor
ORDER BY event_count DESC, actor
LIMIT :limit
