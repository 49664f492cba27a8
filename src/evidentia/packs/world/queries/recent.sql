-- title: What changed
-- description: Events at or after a time and, when a batch is given, everything that came in after that batch: late events and events without a known time are found by the second way.
-- parameter since: time = -1h | Only events at or after this time.
-- parameter since_batch: integer = 0 | Also every event of a later batch; 0 for none.
-- parameter limit: integer = 100 | At most this many rows, the newest first.
-- column ts: time | When
-- column ts_text: text | As written
-- column kind: text | Kind
-- column actor: text | Actor
-- column room_id: text | Room
-- column batch_id: integer | Batch
-- column log_path: text | Log
-- column line_no: integer | Line
-- column id: integer | Position
SELECT ts, ts_text, kind, actor, room_id, batch_id, log_path, line_no, id
FROM (
    -- Two branches rather than one OR: the first is a range of the index on ts.
    SELECT ts, ts_text, kind, actor, room_id, batch_id, log_path, line_no, id
    FROM events
    WHERE ts >= :since
    UNION ALL
    SELECT ts, ts_text, kind, actor, room_id, batch_id, log_path, line_no, id
    FROM events
    WHERE :since_batch > 0
      AND batch_id > :since_batch
      AND (ts IS NULL OR ts < :since)
) AS found
ORDER BY CASE WHEN ts IS NULL THEN 0 ELSE 1 END, ts DESC, id DESC
LIMIT :limit
