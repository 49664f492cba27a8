-- title: Totals
-- description: Executions of a period in numbers.
-- parameter since: time = -30d | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- column execution_count: integer | Executions
-- column passed_count: integer | Passed
-- column failed_count: integer | Failed
-- column other_count: integer | Partial or cancelled
-- column agent_count: integer | Agents
-- column files_generated: integer | Files generated
-- column files_modified: integer | Files modified
-- column duration_ms_average: real | Average (ms)
-- column duration_ms_max: integer | Longest (ms)
SELECT
  COUNT(*) AS execution_count,
  COALESCE(SUM(CASE WHEN status = 'passed' THEN 1 ELSE 0 END), 0) AS passed_count,
  COALESCE(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0) AS failed_count,
  COALESCE(SUM(CASE WHEN status IN ('passed', 'failed') THEN 0 ELSE 1 END), 0) AS other_count,
  COUNT(DISTINCT agent_id) AS agent_count,
  COALESCE(SUM(files_generated), 0) AS files_generated,
  COALESCE(SUM(files_modified), 0) AS files_modified,
  COALESCE(AVG(CAST(duration_ms AS DOUBLE PRECISION)), 0.0) AS duration_ms_average,
  COALESCE(MAX(duration_ms), 0) AS duration_ms_max
FROM receipts
WHERE timestamp >= :since AND timestamp < :until
