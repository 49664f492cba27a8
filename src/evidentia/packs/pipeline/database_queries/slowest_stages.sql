-- title: Slowest runs of a stage
-- description: The executions in which a stage took longest.
-- parameter stage: text = μ₃_emit | The stage.
-- parameter limit: integer = 10 | At most this many rows.
-- column duration_ms: integer | Duration (ms)
-- column execution_id: text | Execution
-- column timestamp: time | When
-- column status: text | Status
-- column error_message: text | Error
SELECT duration_ms, execution_id, timestamp, status, error_message
FROM pipeline_metrics
WHERE stage = :stage
ORDER BY duration_ms DESC
LIMIT :limit
