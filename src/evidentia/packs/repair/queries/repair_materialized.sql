-- title: A session as it is materialised
-- description: The row of one session, with the parents that its repair events give.
-- parameter session_id: text = | The session.
-- column session_id: text | Session
-- column message_parents: text | Parents
-- column event_count_at_materialization: integer | Events
-- column pending_count: integer | Waiting
-- column last_event_id: text | Last event
-- column materialization_digest: text | Digest
SELECT
    session_id, message_parents, event_count_at_materialization, pending_count, last_event_id,
    materialization_digest
FROM sessions_materialized
WHERE session_id = :session_id
