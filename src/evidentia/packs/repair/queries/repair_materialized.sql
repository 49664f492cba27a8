-- title: Sessions as they are materialised
-- description: The rows of sessions from one on, by name, with the parents that their repair events give.
-- parameter session_id: text = | The first session; empty to begin with the first of all.
-- parameter limit: integer = 100 | At most this many sessions.
-- column session_id: text | Session
-- column message_parents: text | Parents
-- column event_count_at_materialization: integer | Events
-- column pending_count: integer | Waiting
-- column last_event_id: text | Last event
-- column materialized_at: time | Materialised
-- column rebuild_duration_ms: integer | Milliseconds
-- column materialization_digest: text | Digest
SELECT
    session_id, message_parents, event_count_at_materialization, pending_count, last_event_id,
    materialized_at, rebuild_duration_ms, materialization_digest
FROM sessions_materialized
WHERE session_id >= :session_id
ORDER BY session_id
LIMIT :limit
