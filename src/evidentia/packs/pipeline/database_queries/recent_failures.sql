-- title: Recent failures
-- description: Failed executions, those recorded last first, with the service levels that each missed.
-- parameter limit: integer = 10 | At most this many rows.
-- column timestamp: time | When
-- column execution_id: text | Execution
-- column agent_id: text | Agent
-- column operation: text | Operation
-- column duration_ms: integer | Duration (ms)
-- column slo_violations: integer | Missed service levels
-- column error_message: text | Error
SELECT
  r.timestamp,
  r.execution_id,
  r.agent_id,
  r.operation,
  r.duration_ms,
  (SELECT COUNT(*) FROM slo_violations AS s WHERE s.execution_id = r.execution_id) AS slo_violations,
  r.error_message
FROM receipts AS r
WHERE r.status = 'failed'
ORDER BY r.created_at DESC, r.id DESC
LIMIT :limit
