-- title: Growth by window
-- description: Offers and applies of each budget window that happened in a period. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column window_key: text | Window
-- column offers_created: integer | Offers created
-- column offers_rejected: integer | Offers rejected
-- column applies_started: integer | Applies started
-- column applies_succeeded: integer | Applies succeeded
-- column applies_failed: integer | Applies failed
SELECT
    window_key,
    SUM(offers_created) AS offers_created,
    SUM(offers_rejected) AS offers_rejected,
    SUM(applies_started) AS applies_started,
    SUM(applies_succeeded) AS applies_succeeded,
    SUM(applies_failed) AS applies_failed
FROM growth_days
WHERE day >= :since AND day < :until AND day <> -1
GROUP BY window_key
ORDER BY window_key
