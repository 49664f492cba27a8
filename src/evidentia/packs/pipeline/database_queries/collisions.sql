-- title: Collisions
-- description: Conflicts of agents in a period by type and severity, the most often first.
-- parameter since: time = -24h | Only collisions at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only collisions before this time.
-- column collision_type: text | Type
-- column severity: text | Severity
-- column session_count: integer | Sessions
-- column unresolved_count: integer | Without resolution
-- column collision_count: integer | Collisions
SELECT
  collision_type,
  severity,
  COUNT(DISTINCT session_id) AS session_count,
  SUM(CASE WHEN resolution IS NULL THEN 1 ELSE 0 END) AS unresolved_count,
  COUNT(*) AS collision_count
FROM collision_detection
WHERE timestamp >= :since AND timestamp < :until
GROUP BY collision_type, severity
ORDER BY collision_count DESC, collision_type, severity
