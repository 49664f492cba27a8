-- title: Messages repaired more than once
-- description: Messages about which there are several repair events: their place in the conversation is in dispute.
-- parameter session_id: text = | Only messages of this session; empty for all.
-- parameter limit: integer = 100 | At most this many messages.
-- column session_id: text | Session
-- column message_id: text | Message
-- column first_ts: time | First
-- column last_ts: time | Last
-- column operator_count: integer | Operators
-- column revert_count: integer | Reverts
-- column event_count: integer | Events
SELECT
    session_id,
    message_id,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(DISTINCT actor) AS operator_count,
    COUNT(CASE WHEN is_revert = 1 THEN 1 END) AS revert_count,
    COUNT(*) AS event_count
FROM events
WHERE kind IN ('repair.event.v1', 'repair.event.bare')
  AND (:session_id = '' OR session_id = :session_id)
GROUP BY session_id, message_id
HAVING COUNT(*) > 1
ORDER BY event_count DESC, session_id, message_id
LIMIT :limit
