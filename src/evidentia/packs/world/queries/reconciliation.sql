-- title: Reconciliation
-- description: What each summary adds up to, and what the events do: all differences are 0, or that summary was changed behind its back; 'evidentia projection check' then names its rows.
-- column summary: text | Summary
-- column counted: text | Counts
-- column summary_count: integer | In the summary
-- column event_count: integer | In the events
-- column difference: integer | Difference
WITH sums AS (
    SELECT 1 AS place, 'world_hours' AS summary, 'events' AS counted, (
        SELECT COALESCE(SUM(event_count), 0) FROM world_hours
    ) AS summary_count, (
        SELECT COUNT(*) FROM events WHERE pack = 'world'
    ) AS event_count
    UNION ALL
    SELECT 2, 'room_days', 'events in rooms', (
        SELECT COALESCE(SUM(event_count), 0) FROM room_days
    ), (
        SELECT COUNT(*) FROM events WHERE room_id IS NOT NULL AND pack = 'world'
    )
    UNION ALL
    SELECT 3, 'growth_days', 'offers created', (
        SELECT COALESCE(SUM(offers_created), 0) FROM growth_days
    ), (
        SELECT COUNT(*)
        FROM events
        WHERE kind = 'growth.offer.created' AND window_key IS NOT NULL AND pack = 'world'
    )
)
SELECT summary, counted, summary_count, event_count, summary_count - event_count AS difference
FROM sums
ORDER BY place
