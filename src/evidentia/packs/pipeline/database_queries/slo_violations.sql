-- title: Missed service levels
-- description: How often each service level was missed in a period, and by how much, the most often first.
-- parameter since: time = -7d | Only violations at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only violations before this time.
-- column metric: text | Metric
-- column target_value: real | Target
-- column value_average: real | Average
-- column value_max: real | Worst
-- column critical_count: integer | Critical
-- column violation_count: integer | Violations
SELECT
  metric,
  MIN(target_value) AS target_value,
  AVG(actual_value) AS value_average,
  MAX(actual_value) AS value_max,
  SUM(CASE WHEN severity = 'critical' THEN 1 ELSE 0 END) AS critical_count,
  COUNT(*) AS violation_count
FROM slo_violations
WHERE timestamp >= :since AND timestamp < :until
GROUP BY metric
ORDER BY violation_count DESC, metric
