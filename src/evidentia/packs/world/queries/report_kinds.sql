-- title: Events by kind
-- description: How many events of each kind happened in a period. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column kind: text | Kind
-- column event_count: integer | Events
SELECT kind, SUM(event_count) AS event_count
FROM world_hours
WHERE hour >= :since AND hour < :until AND hour <> -1
GROUP BY kind
ORDER BY SUM(event_count) DESC, kind
