-- title: What each stage took
-- description: Executions and durations of each pipeline stage, the slowest first.
-- column stage: text | Stage
-- column executions: integer | Executions
-- column avg_duration_ms: real | Average (ms)
-- column min_duration_ms: integer | Shortest (ms)
-- column max_duration_ms: integer | Longest (ms)
-- column passed: integer | Passed
-- column failed: integer | Failed
SELECT
  stage,
  COUNT(*) AS executions,
  ROUND(AVG(duration_ms), 2) AS avg_duration_ms,
  MIN(duration_ms) AS min_duration_ms,
  MAX(duration_ms) AS max_duration_ms,
  SUM(CASE WHEN status = 'passed' THEN 1 ELSE 0 END) AS passed,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed
FROM pipeline_metrics
GROUP BY stage
ORDER BY avg_duration_ms DESC, stage
