-- title: Growth by window
-- description: Offers and applies of each budget window that happened in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column window_key: text | Window
-- column offers_created: integer | Offers created
-- column offers_rejected: integer | Offers rejected
-- column applies_started: integer | Applies started
-- column applies_succeeded: integer | Applies succeeded
-- column applies_failed: integer | Applies failed
SELECT
    window_key,
    COUNT(CASE WHEN kind = 'growth.offer.created' THEN 1 END) AS offers_created,
    COUNT(CASE WHEN kind = 'growth.offer.rejected' THEN 1 END) AS offers_rejected,
    COUNT(CASE WHEN kind = 'growth.apply.started' THEN 1 END) AS applies_started,
    COUNT(CASE WHEN kind = 'growth.apply.succeeded' THEN 1 END) AS applies_succeeded,
    COUNT(CASE WHEN kind = 'growth.apply.failed' THEN 1 END) AS applies_failed
FROM events
WHERE window_key IS NOT NULL AND ts >= :since AND ts < :until
  AND pack = 'world'
GROUP BY window_key
ORDER BY window_key
