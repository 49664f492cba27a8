-- title: Repair events by digest
-- description: How many events have a digest over every field, the older one over six, none, one that does not match, or cannot be read.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column digest_standing: text | Digest
-- column first_id: integer | First position
-- column session_count: integer | Sessions
-- column event_count: integer | Events
SELECT
    digest_standing,
    MIN(id) AS first_id,
    COUNT(DISTINCT session_id) AS session_count,
    COUNT(*) AS event_count
FROM events
WHERE kind IN ('repair.event.v1', 'repair.event.bare')
  AND ((ts >= :since AND ts < :until) OR ts IS NULL)
  AND pack = 'repair'
GROUP BY digest_standing
ORDER BY event_count DESC, digest_standing
