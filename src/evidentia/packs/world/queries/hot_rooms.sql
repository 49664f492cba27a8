-- title: Hot rooms
-- description: The rooms with the most events, and when they were first and last seen.
-- parameter limit: integer = 20 | At most this many rooms.
-- column room_id: text | Room
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT room_id, MIN(ts) AS first_ts, MAX(ts) AS last_ts, COUNT(*) AS event_count
FROM events
WHERE room_id IS NOT NULL
GROUP BY room_id
ORDER BY event_count DESC, room_id
LIMIT :limit
