-- title: What each agent did
-- description: Executions, durations and files of each agent, the busiest first.
-- column agent_id: text | Agent
-- column total_executions: integer | Executions
-- column successful_executions: integer | Passed
-- column failed_executions: integer | Failed
-- column avg_duration_ms: real | Average (ms)
-- column min_duration_ms: integer | Shortest (ms)
-- column max_duration_ms: integer | Longest (ms)
-- column total_files_generated: integer | Files generated
-- column last_execution: text | Last execution
SELECT
  agent_id,
  COUNT(*) AS total_executions,
  SUM(CASE WHEN status = 'passed' THEN 1 ELSE 0 END) AS successful_executions,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_executions,
  ROUND(AVG(duration_ms), 2) AS avg_duration_ms,
  MIN(duration_ms) AS min_duration_ms,
  MAX(duration_ms) AS max_duration_ms,
  SUM(COALESCE(files_generated, 0)) AS total_files_generated,
  MAX(timestamp) AS last_execution
FROM receipts
GROUP BY agent_id
ORDER BY total_executions DESC, agent_id
