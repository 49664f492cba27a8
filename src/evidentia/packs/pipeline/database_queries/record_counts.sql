-- title: Records of a period
-- description: How many receipts, audit rows and collisions state a time in a period.
-- parameter since: time = -24h | Only records at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only records before this time.
-- column receipt_count: integer | Receipts
-- column audit_count: integer | Audit rows
-- column collision_count: integer | Collisions
SELECT
  (SELECT COUNT(*) FROM receipts WHERE timestamp >= :since AND timestamp < :until) AS receipt_count,
  (SELECT COUNT(*) FROM audit_log WHERE timestamp >= :since AND timestamp < :until) AS audit_count,
  (
    SELECT COUNT(*) FROM collision_detection WHERE timestamp >= :since AND timestamp < :until
  ) AS collision_count
