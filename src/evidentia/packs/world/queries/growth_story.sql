-- title: Growth story
-- description: Offers and applies in the order of their times; where there are more than the limit, the newest.
-- parameter limit: integer = 1000 | At most this many rows.
-- column ts: time | When
-- column kind: text | Kind
-- column actor: text | Actor
-- column window_key: text | Window
-- column offer_id: text | Offer
-- column apply_id: text | Apply
-- column reason: text | Reason
-- column id: integer | Position
SELECT ts, kind, actor, window_key, offer_id, apply_id, reason, id
FROM (
    SELECT ts, kind, actor, window_key, offer_id, apply_id, reason, id
    FROM events
    WHERE substr(kind, 1, 7) = 'growth.'
    ORDER BY CASE WHEN ts IS NULL THEN 0 ELSE 1 END, ts DESC, id DESC
    LIMIT :limit
) AS newest
ORDER BY CASE WHEN ts IS NULL THEN 1 ELSE 0 END, ts, id
