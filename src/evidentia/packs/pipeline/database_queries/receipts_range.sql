-- title: Executions of a period
-- description: Receipts by the time that they state, the last first.
-- parameter since: time = -24h | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- parameter limit: integer = 1000 | At most this many rows.
-- column timestamp: time | When
-- column execution_id: text | Execution
-- column agent_id: text | Agent
-- column operation: text | Operation
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column files_generated: integer | Files generated
-- column files_modified: integer | Files modified
SELECT timestamp, execution_id, agent_id, operation, status, duration_ms, files_generated, files_modified
FROM receipts
WHERE timestamp >= :since AND timestamp < :until
ORDER BY timestamp DESC, id DESC
LIMIT :limit
