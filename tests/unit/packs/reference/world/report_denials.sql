-- title: Denials
-- description: Who was denied what in a period, over every writer.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column actor: text | Actor
-- column kind: text | Kind
-- column decision: text | Decision
-- column event_count: integer | Events
SELECT actor, kind, decision, COUNT(*) AS event_count
FROM events
WHERE decision IN ('blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized')
  AND ts >= :since AND ts < :until
  AND pack = 'world'
GROUP BY actor, kind, decision
ORDER BY event_count DESC, COALESCE(actor, ''), kind, decision
