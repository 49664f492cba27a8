-- title: Growth budget compliance
-- description: Offers and applies of each budget window, newest window first.
-- parameter limit: integer = 100 | At most this many windows.
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
WHERE window_key IS NOT NULL
GROUP BY window_key
ORDER BY window_key DESC
LIMIT :limit
