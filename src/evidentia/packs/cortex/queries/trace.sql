-- title: One trace
-- description: The events of one trace in the order of their log.
-- parameter trace_id: text = | The trace; the one that the last row with any belongs to where it is empty.
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
WHERE trace_id = COALESCE(
        NULLIF(:trace_id, ''),
        (
            SELECT newest.trace_id
            FROM events AS newest
            WHERE newest.trace_id IS NOT NULL AND newest.pack = 'cortex'
            ORDER BY newest.id DESC
            LIMIT 1
        )
    )
  AND pack = 'cortex'
ORDER BY id
LIMIT :limit
