-- title: Failures of a period
-- description: Executions of a period that did not pass, the last first.
-- parameter since: time = -24h | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- parameter limit: integer = 20 | At most this many rows.
-- column timestamp: time | When
-- column execution_id: text | Execution
-- column agent_id: text | Agent
-- column operation: text | Operation
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column error_message: text | Error
SELECT timestamp, execution_id, agent_id, operation, status, duration_ms, error_message
FROM receipts
WHERE timestamp >= :since AND timestamp < :until AND status <> 'passed'
ORDER BY timestamp DESC, id DESC
LIMIT :limit
