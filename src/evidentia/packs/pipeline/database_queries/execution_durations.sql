-- title: How long executions took
-- description: Executions of a period by duration, in classes.
-- parameter since: time = -30d | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- column class: text | Duration
-- column execution_count: integer | Executions
WITH classed AS (
  SELECT
    CASE
      WHEN duration_ms < 100 THEN 1
      WHEN duration_ms < 500 THEN 2
      WHEN duration_ms < 1000 THEN 3
      WHEN duration_ms < 2000 THEN 4
      WHEN duration_ms < 5000 THEN 5
      WHEN duration_ms < 15000 THEN 6
      ELSE 7
    END AS place
  FROM receipts
  WHERE timestamp >= :since AND timestamp < :until
)
SELECT
  CASE place
    WHEN 1 THEN 'below 0.1 s'
    WHEN 2 THEN '0.1 to 0.5 s'
    WHEN 3 THEN '0.5 to 1 s'
    WHEN 4 THEN '1 to 2 s'
    WHEN 5 THEN '2 to 5 s'
    WHEN 6 THEN '5 to 15 s'
    ELSE '15 s and more'
  END AS class,
  COUNT(*) AS execution_count
FROM classed
GROUP BY place
ORDER BY place
