-- title: Bottlenecks
-- description: What each stage took in a period, the slowest on average first.
-- parameter since: time = -30d | Only stages that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only stages that began before this time.
-- column stage: text | Stage
-- column run_count: integer | Runs
-- column failed_count: integer | Failed
-- column duration_ms_min: integer | Shortest (ms)
-- column duration_ms_max: integer | Longest (ms)
-- column duration_ms_total: integer | Together (ms)
-- column duration_ms_average: real | Average (ms)
SELECT
  stage,
  COUNT(*) AS run_count,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_count,
  MIN(duration_ms) AS duration_ms_min,
  MAX(duration_ms) AS duration_ms_max,
  SUM(duration_ms) AS duration_ms_total,
  AVG(CAST(duration_ms AS DOUBLE PRECISION)) AS duration_ms_average
FROM pipeline_metrics
WHERE timestamp >= :since AND timestamp < :until
GROUP BY stage
ORDER BY duration_ms_average DESC, stage
