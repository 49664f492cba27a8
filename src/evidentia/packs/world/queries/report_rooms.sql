-- title: Busiest rooms
-- description: The rooms with the most events in a period. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 20 | At most this many rooms.
-- column room_id: text | Room
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT
    room_id,
    MIN(first_ts) AS first_ts,
    MAX(last_ts) AS last_ts,
    SUM(event_count) AS event_count
FROM room_days
WHERE day >= :since AND day < :until AND day <> -1
GROUP BY room_id
ORDER BY SUM(event_count) DESC, room_id
LIMIT :limit
