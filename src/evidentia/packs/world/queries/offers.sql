-- title: Offers
-- description: What has become of each offer to grow the world, the last changed first; steps that no offer should take are counted and the first is named.
-- parameter status: text = | Only offers of this status: created, rejected, applying, succeeded or failed.
-- parameter limit: integer = 100 | At most this many offers.
-- column offer_id: text | Offer
-- column status: text | Status
-- column window_key: text | Window
-- column attempts: integer | Attempts
-- column created_by: text | Created by
-- column changed_by: text | Changed by
-- column first_ts: time | First
-- column last_ts: time | Last
-- column reason: text | Reason
-- column odd_steps: integer | Odd steps
-- column first_odd_step: text | First odd step
SELECT
    offer_id, status, window_key, attempts, created_by, changed_by, first_ts, last_ts, reason,
    odd_steps, first_odd_step
FROM offers
WHERE :status = '' OR status = :status
ORDER BY CASE WHEN last_ts IS NULL THEN 1 ELSE 0 END, last_ts DESC, offer_id
LIMIT :limit
