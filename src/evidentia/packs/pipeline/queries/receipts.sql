-- title: Receipts
-- description: Receipts in the order of their log, the last first.
-- parameter limit: integer = 100 | At most this many rows.
-- column ts: time | When
-- column kind: text | Activity
-- column andon: text | Andon
-- column obligation_count: integer | Obligations
-- column receipt_schema: text | Schema
-- column event_id: text | Chain hash
-- column log_path: text | Log
-- column line_no: integer | Line
-- column id: integer | Position
SELECT
    ts, kind, andon, obligation_count, receipt_schema, event_id, log_path, line_no, id
FROM events
WHERE pack = 'pipeline'
ORDER BY id DESC
LIMIT :limit
