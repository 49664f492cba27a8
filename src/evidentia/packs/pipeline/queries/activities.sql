-- title: Activities
-- description: How many receipts of each activity and state there are in a period. Receipts without a time belong to no period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column kind: text | Activity
-- column andon: text | Andon
-- column receipt_count: integer | Receipts
SELECT kind, andon, COUNT(*) AS receipt_count
FROM events
WHERE ts >= :since AND ts < :until
  AND pack = 'pipeline'
GROUP BY kind, andon
ORDER BY receipt_count DESC, kind, COALESCE(andon, '')
