-- title: One trace
-- description: The events of one trace in the order of their log.
-- parameter trace_id: text = | The trace.
-- parameter limit: integer = 1000 | At most this many rows, from the first on.
-- column ts: time | When
-- column kind: text | Kind
-- column actor: text | Actor
-- column session_id: text | Session
-- column event_id: text | Event
-- column event_hash: text | Event hash
-- column payload_json: text | Payload
-- column log_path: text | Log
-- column line_no: integer | Line
-- column id: integer | Position
SELECT ts, kind, actor, session_id, event_id, event_hash, payload_json, log_path, line_no, id
FROM events
WHERE trace_id = :trace_id AND pack = 'cortex'
ORDER BY id
LIMIT :limit
