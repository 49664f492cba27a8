-- title: Denials
-- description: Everything that any writer denied, refused, rejected, blocked or limited, newest first.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time, and those without a known time.
-- parameter limit: integer = 100 | At most this many rows.
-- column ts: time | When
-- column kind: text | Kind
-- column actor: text | Actor
-- column role: text | Role
-- column decision: text | Decision
-- column reason: text | Reason
-- column log_path: text | Log
-- column line_no: integer | Line
-- column id: integer | Position
SELECT ts, kind, actor, role, decision, reason, log_path, line_no, id
FROM events
WHERE decision IN ('blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized')
  AND (ts >= :since OR ts IS NULL)
ORDER BY CASE WHEN ts IS NULL THEN 0 ELSE 1 END, ts DESC, id DESC
LIMIT :limit
