-- title: Stages of one execution
-- description: What each stage of an execution took, in the order in which they were recorded.
-- parameter execution_id: text = | Its id.
-- column timestamp: time | When
-- column stage: text | Stage
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column input_size_bytes: integer | Bytes in
-- column output_size_bytes: integer | Bytes out
-- column error_message: text | Error
SELECT timestamp, stage, status, duration_ms, input_size_bytes, output_size_bytes, error_message
FROM pipeline_metrics
WHERE execution_id = :execution_id
ORDER BY id
