-- title: Repairs by operator
-- description: Who wrote how many repairs and reverts in a period, about how many messages.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 50 | At most this many operators.
-- column actor: text | Operator
-- column first_ts: time | First
-- column last_ts: time | Last
-- column session_count: integer | Sessions
-- column message_count: integer | Messages
-- column revert_count: integer | Reverts
-- column failed_count: integer | Validation failed
-- column repair_count: integer | Repairs
SELECT
    actor,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(DISTINCT session_id) AS session_count,
    COUNT(DISTINCT message_id) AS message_count,
    COUNT(CASE WHEN is_revert = 1 THEN 1 END) AS revert_count,
    COUNT(CASE WHEN validation_passed = 0 THEN 1 END) AS failed_count,
    COUNT(CASE WHEN is_revert IS NULL OR is_revert = 0 THEN 1 END) AS repair_count
FROM events
WHERE kind IN ('repair.event.v1', 'repair.event.bare')
  AND ((ts >= :since AND ts < :until) OR ts IS NULL)
  AND pack = 'repair'
GROUP BY actor
ORDER BY repair_count DESC, revert_count DESC, COALESCE(actor, '')
LIMIT :limit
