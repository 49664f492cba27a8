-- title: Totals
-- description: How much of each kind of thing happened in a period. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column event_count: integer | Events
-- column actor_count: integer | Actors
-- column room_count: integer | Rooms
-- column offer_count: integer | Offers created
-- column apply_count: integer | Applies succeeded
-- column denial_count: integer | Denials
SELECT
    happened.event_count,
    happened.actor_count,
    rooms_seen.room_count,
    happened.offer_count,
    happened.apply_count,
    happened.denial_count
FROM (
    SELECT
        COALESCE(SUM(event_count), 0) AS event_count,
        COUNT(DISTINCT NULLIF(actor, '')) AS actor_count,
        COALESCE(SUM(CASE WHEN kind = 'growth.offer.created' THEN event_count END), 0)
            AS offer_count,
        COALESCE(SUM(CASE WHEN kind = 'growth.apply.succeeded' THEN event_count END), 0)
            AS apply_count,
        COALESCE(SUM(
            CASE
                WHEN decision IN (
                    'blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized'
                ) THEN event_count
            END
        ), 0) AS denial_count
    FROM world_hours
    WHERE hour >= :since AND hour < :until AND hour <> -1
) AS happened
CROSS JOIN (
    SELECT COUNT(DISTINCT room_id) AS room_count
    FROM room_days
    WHERE day >= :since AND day < :until AND day <> -1
) AS rooms_seen
