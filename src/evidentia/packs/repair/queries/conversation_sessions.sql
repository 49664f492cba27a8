-- title: Conversations
-- description: The sessions with the most rows in a period, with their repairs; whose parents are missing is for a scan to say.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 50 | At most this many sessions.
-- column session_id: text | Session
-- column first_ts: time | First
-- column last_ts: time | Last
-- column message_count: integer | Messages
-- column sidechain_count: integer | In side chains
-- column parentless_count: integer | Without a parent
-- column repair_count: integer | Repair events
SELECT
    session_id,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(CASE WHEN kind IN ('user', 'assistant') THEN 1 END) AS message_count,
    COUNT(CASE WHEN is_sidechain = 1 THEN 1 END) AS sidechain_count,
    COUNT(
        CASE WHEN kind IN ('user', 'assistant') AND parent_uuid IS NULL THEN 1 END
    ) AS parentless_count,
    COUNT(
        CASE WHEN kind IN ('repair.event.v1', 'repair.event.bare') THEN 1 END
    ) AS repair_count
FROM events
WHERE ts >= :since AND ts < :until AND session_id IS NOT NULL
  AND pack = 'repair'
GROUP BY session_id
ORDER BY message_count DESC, session_id
LIMIT :limit
