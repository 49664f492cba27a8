-- title: Repair history
-- description: Every repair event of a message, of a session or of both, in the order of the ledger; what is in force now is for sessions_materialized to say.
-- parameter message_id: text = | Only events about this message; empty for all.
-- parameter session_id: text = | Only events of this session; empty for all.
-- parameter limit: integer = 1000 | At most this many events, the first ones.
-- column ts: time | Decided
-- column session_id: text | Session
-- column message_id: text | Message
-- column event_id: text | Event
-- column reverts_event_id: text | Takes back
-- column old_parent_uuid: text | Old parent
-- column new_parent_uuid: text | New parent
-- column actor: text | Operator
-- column reason: text | Reason
-- column similarity_score: real | Similarity
-- column validation_passed: integer | Validated
-- column digest_standing: text | Digest
-- column id: integer | Position
SELECT
    ts, session_id, message_id, event_id, reverts_event_id, old_parent_uuid, new_parent_uuid,
    actor, reason, similarity_score, validation_passed, digest_standing, id
FROM events
WHERE kind IN ('repair.event.v1', 'repair.event.bare')
  AND (:message_id = '' OR message_id = :message_id)
  AND (:session_id = '' OR session_id = :session_id)
ORDER BY id
LIMIT :limit
