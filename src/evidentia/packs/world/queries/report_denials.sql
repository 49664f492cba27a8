-- title: Denials
-- description: Who was denied what in a period, over every writer. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column actor: text | Actor
-- column kind: text | Kind
-- column decision: text | Decision
-- column event_count: integer | Events
SELECT
    NULLIF(actor, '') AS actor,
    kind,
    decision,
    SUM(event_count) AS event_count
FROM world_hours
WHERE decision IN ('blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized')
  AND hour >= :since AND hour < :until AND hour <> -1
GROUP BY world_hours.actor, kind, decision
ORDER BY SUM(event_count) DESC, world_hours.actor, kind, decision
