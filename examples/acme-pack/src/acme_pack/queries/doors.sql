-- title: Doors
-- description: How often each door opened and refused to in a period.
-- parameter since: time = -7d | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column door: text | Door
-- column opened_count: integer | Opened
-- column refused_count: integer | Refused
SELECT
    door,
    COUNT(CASE WHEN kind = 'opened' THEN 1 END) AS opened_count,
    COUNT(CASE WHEN kind = 'refused' THEN 1 END) AS refused_count
FROM events
WHERE door IS NOT NULL AND ts >= :since AND ts < :until
GROUP BY door
ORDER BY door
