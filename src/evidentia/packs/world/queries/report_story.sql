-- title: Growth story
-- description: Offers and applies of a period in the order of their times; where there are more than the limit, the newest.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 100 | At most this many rows.
-- column ts: time | When
-- column kind: text | Kind
-- column actor: text | Actor
-- column window_key: text | Window
-- column offer_id: text | Offer
-- column apply_id: text | Apply
-- column reason: text | Reason
SELECT ts, kind, actor, window_key, offer_id, apply_id, reason
FROM (
    SELECT ts, kind, actor, window_key, offer_id, apply_id, reason, id
    FROM events
    WHERE substr(kind, 1, 7) = 'growth.' AND ts >= :since AND ts < :until AND pack = 'world'
    ORDER BY ts DESC, id DESC
    LIMIT :limit
) AS newest
ORDER BY ts, id
