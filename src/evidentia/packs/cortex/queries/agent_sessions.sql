-- title: Sessions
-- description: The hundred sessions with the newest events of a period, and what happened in them.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column session_id: text | Session
-- column first_ts: time | First
-- column last_ts: time | Last
-- column actor_count: integer | Actors
-- column kind_count: integer | Kinds
-- column event_count: integer | Events
SELECT
    session_id,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(DISTINCT actor) AS actor_count,
    COUNT(DISTINCT kind) AS kind_count,
    COUNT(*) AS event_count
FROM events
WHERE ts >= :since AND ts < :until AND session_id IS NOT NULL
  AND pack = 'cortex'
GROUP BY session_id
ORDER BY last_ts DESC, session_id
LIMIT 100
