-- title: Latest ledger rows
-- description: Rows at or after a time, the newest first.
-- parameter since: time = -1h | Only events at or after this time, and those without a known time.
-- parameter limit: integer = 100 | At most this many rows.
-- column ts: time | When
-- column kind: text | Kind
-- column actor: text | Actor
-- column session_id: text | Session
-- column trace_id: text | Trace
-- column event_id: text | Event
-- column log_path: text | Log
-- column line_no: integer | Line
-- column id: integer | Position
SELECT ts, kind, actor, session_id, trace_id, event_id, log_path, line_no, id
FROM events
WHERE pack = 'cortex' AND (ts >= :since OR ts IS NULL)
ORDER BY CASE WHEN ts IS NULL THEN 0 ELSE 1 END, ts DESC, id DESC
LIMIT :limit
