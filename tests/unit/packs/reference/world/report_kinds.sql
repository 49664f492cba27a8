-- title: Events by kind
-- description: How many events of each kind happened in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column kind: text | Kind
-- column event_count: integer | Events
SELECT kind, COUNT(*) AS event_count
FROM events
WHERE ts >= :since AND ts < :until
  AND pack = 'world'
GROUP BY kind
ORDER BY event_count DESC, kind
