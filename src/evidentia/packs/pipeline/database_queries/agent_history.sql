-- title: What one agent did
-- description: The executions of an agent, the last first.
-- parameter agent_id: text = | The agent.
-- parameter limit: integer = 100 | At most this many rows.
-- column timestamp: time | When
-- column execution_id: text | Execution
-- column operation: text | Operation
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column error_message: text | Error
SELECT timestamp, execution_id, operation, status, duration_ms, error_message
FROM receipts
WHERE agent_id = :agent_id
ORDER BY timestamp DESC
LIMIT :limit
