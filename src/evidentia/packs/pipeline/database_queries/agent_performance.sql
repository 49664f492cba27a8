-- title: What each agent did
-- description: Executions, durations and files of each agent in a period, the most executions first.
-- parameter since: time = -30d | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- parameter limit: integer = 20 | At most this many rows.
-- column agent_id: text | Agent
-- column execution_count: integer | Executions
-- column passed_count: integer | Passed
-- column failed_count: integer | Failed
-- column other_count: integer | Partial or cancelled
-- column duration_ms_average: real | Average (ms)
-- column duration_ms_min: integer | Shortest (ms)
-- column duration_ms_max: integer | Longest (ms)
-- column files_generated: integer | Files generated
-- column last_execution: time | Last execution
SELECT
  agent_id,
  COUNT(*) AS execution_count,
  SUM(CASE WHEN status = 'passed' THEN 1 ELSE 0 END) AS passed_count,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_count,
  SUM(CASE WHEN status IN ('passed', 'failed') THEN 0 ELSE 1 END) AS other_count,
  AVG(CAST(duration_ms AS DOUBLE PRECISION)) AS duration_ms_average,
  MIN(duration_ms) AS duration_ms_min,
  MAX(duration_ms) AS duration_ms_max,
  SUM(files_generated) AS files_generated,
  MAX(timestamp) AS last_execution
FROM receipts
WHERE timestamp >= :since AND timestamp < :until
GROUP BY agent_id
ORDER BY execution_count DESC, agent_id
LIMIT :limit
