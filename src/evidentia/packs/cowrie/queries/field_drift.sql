-- title: Drift of fields
-- description: What is noteworthy about the events of each kind, by flag; those without a known time are in every period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 200 | At most this many rows.
-- column kind: text | Kind
-- column flag: text | Flag
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
WITH named(bit, flag) AS (
    VALUES
        (1, 'no_newline'),
        (2, 'duplicate_key'),
        (4, 'lone_surrogate'),
        (8, 'bom'),
        (16, 'nul_escaped'),
        (32, 'integer_range'),
        (64, 'field_drift'),
        (128, 'time_unzoned'),
        (256, 'time_invalid'),
        (512, 'time_unit_unclear'),
        (1024, 'time_truncated'),
        (2048, 'time_leap_second'),
        (4096, 'schema_invalid'),
        (8192, 'no_payload')
)
SELECT
    events.kind,
    named.flag,
    MIN(events.ts) AS first_ts,
    MAX(events.ts) AS last_ts,
    COUNT(*) AS event_count
FROM events
INNER JOIN named ON (events.flags & named.bit) <> 0
WHERE events.flags <> 0
  AND ((events.ts >= :since AND events.ts < :until) OR events.ts IS NULL)
  AND events.pack = 'cowrie'
GROUP BY events.kind, named.flag
ORDER BY event_count DESC, COALESCE(events.kind, ''), named.flag
LIMIT :limit
