-- title: Repaired sessions
-- description: What the repair events of each session come to, the sessions first that cannot go on: those with a broken digest or an event that cannot be read.
-- parameter only_stale: integer = 0 | 1 for only the sessions that cannot go on.
-- parameter limit: integer = 100 | At most this many sessions.
-- column session_id: text | Session
-- column active_repairs: integer | Repairs in force
-- column reverted_repairs: integer | Switched off
-- column refused_count: integer | Refused
-- column messages_repaired: integer | Messages
-- column last_event_id: text | Last event
-- column last_position: integer | As of position
-- column is_stale: integer | Stale
-- column drift_detected: integer | Drift
-- column pending_count: integer | Waiting
-- column stop_detail: text | Why
-- column materialization_digest: text | Digest
SELECT
    session_id, active_repairs, reverted_repairs, refused_count, messages_repaired, last_event_id,
    last_position, is_stale, drift_detected, pending_count, stop_detail, materialization_digest
FROM sessions_materialized
WHERE :only_stale = 0 OR is_stale = 1
ORDER BY is_stale DESC, session_id
LIMIT :limit
