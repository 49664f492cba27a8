-- title: Refused records
-- description: Records of the ledger that no row was made of, with the reason, in the order of the ledger.
-- parameter after: integer = -1 | Only records after this event of the ledger.
-- parameter limit: integer = 100 | At most this many rows.
-- column sequence: integer | Event
-- column event_type: text | Type
-- column recorded_at: time | Recorded
-- column reason: text | Reason
-- column detail: text | Detail
-- column event_id: text | Id
SELECT sequence, event_type, recorded_at, reason, detail, event_id
FROM refused_records
WHERE sequence > :after
ORDER BY sequence
LIMIT :limit
