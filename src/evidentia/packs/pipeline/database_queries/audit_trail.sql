-- title: Steps of one agent
-- description: What an agent did step by step in a period, the last first.
-- parameter agent_id: text = | The agent.
-- parameter since: time = -30d | Only steps at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only steps before this time.
-- parameter limit: integer = 100 | At most this many rows.
-- column timestamp: time | When
-- column operation: text | Step
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column error_message: text | Error
-- column context_json: text | Context
SELECT timestamp, operation, status, duration_ms, error_message, context_json
FROM audit_log
WHERE agent_id = :agent_id AND timestamp >= :since AND timestamp < :until
ORDER BY timestamp DESC
LIMIT :limit
