-- title: Executions over time
-- description: Executions of a period by the hour in which they began.
-- parameter since: time = -30d | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- column hour: time | Hour
-- column passed_count: integer | Passed
-- column failed_count: integer | Failed
-- column other_count: integer | Partial or cancelled
SELECT
  SUBSTR(timestamp, 1, 13) || ':00:00.000000Z' AS hour,
  SUM(CASE WHEN status = 'passed' THEN 1 ELSE 0 END) AS passed_count,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_count,
  SUM(CASE WHEN status IN ('passed', 'failed') THEN 0 ELSE 1 END) AS other_count
FROM receipts
WHERE timestamp >= :since AND timestamp < :until
GROUP BY SUBSTR(timestamp, 1, 13) || ':00:00.000000Z'
ORDER BY SUBSTR(timestamp, 1, 13) || ':00:00.000000Z'
