-- title: Totals
-- description: How much of each kind of thing happened in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column event_count: integer | Events
-- column actor_count: integer | Actors
-- column room_count: integer | Rooms
-- column offer_count: integer | Offers created
-- column apply_count: integer | Applies succeeded
-- column denial_count: integer | Denials
SELECT
    COUNT(*) AS event_count,
    COUNT(DISTINCT actor) AS actor_count,
    COUNT(DISTINCT room_id) AS room_count,
    COUNT(CASE WHEN kind = 'growth.offer.created' THEN 1 END) AS offer_count,
    COUNT(CASE WHEN kind = 'growth.apply.succeeded' THEN 1 END) AS apply_count,
    COUNT(
        CASE
            WHEN decision IN (
                'blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized'
            ) THEN 1
        END
    ) AS denial_count
FROM events
WHERE ts >= :since AND ts < :until AND pack = 'world'
