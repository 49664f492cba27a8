-- title: Busiest rooms
-- description: The rooms with the most events in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 20 | At most this many rooms.
-- column room_id: text | Room
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT room_id, MIN(ts) AS first_ts, MAX(ts) AS last_ts, COUNT(*) AS event_count
FROM events
WHERE ts >= :since AND ts < :until AND room_id IS NOT NULL
  AND pack = 'world'
GROUP BY room_id
ORDER BY event_count DESC, room_id
LIMIT :limit
