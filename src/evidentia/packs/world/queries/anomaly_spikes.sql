-- title: Spikes
-- description: Hours in which far more happened than in the median hour of the period; hours without any event do not count for the median.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter factor: integer = 5 | At least so many times the median.
-- parameter minimum: integer = 20 | At least so many events.
-- parameter limit: integer = 50 | At most this many hours.
-- column hour_ts: time | Hour
-- column median_count: integer | Median hour
-- column event_count: integer | Events
WITH hours AS (
    SELECT ts / 3600000000 * 3600000000 AS hour_ts, COUNT(*) AS event_count
    FROM events
    WHERE ts >= :since AND ts < :until AND pack = 'world'
    GROUP BY ts / 3600000000 * 3600000000
),
ranked AS (
    SELECT
        event_count,
        ROW_NUMBER() OVER (ORDER BY event_count, hour_ts) AS place,
        COUNT(*) OVER () AS hour_count
    FROM hours
),
middle AS (
    SELECT event_count AS median_count
    FROM ranked
    WHERE place = (hour_count + 1) / 2
)
SELECT hours.hour_ts, middle.median_count, hours.event_count
FROM hours CROSS JOIN middle
WHERE hours.event_count >= :minimum AND hours.event_count >= :factor * middle.median_count
ORDER BY hours.event_count DESC, hours.hour_ts
LIMIT :limit
