-- title: Events over the period
-- description: What happened in each hour when the period is two days or shorter, in each day otherwise.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column period_ts: time | From
-- column growth_count: integer | Growth
-- column denial_count: integer | Denials
-- column other_count: integer | Other events
-- column event_count: integer | Events
SELECT
    ts / period_us * period_us AS period_ts,
    COUNT(CASE WHEN is_denial = 0 AND substr(kind, 1, 7) = 'growth.' THEN 1 END) AS growth_count,
    COUNT(CASE WHEN is_denial = 1 THEN 1 END) AS denial_count,
    COUNT(CASE WHEN is_denial = 0 AND substr(kind, 1, 7) <> 'growth.' THEN 1 END) AS other_count,
    COUNT(*) AS event_count
FROM (
    SELECT
        kind,
        ts,
        CASE
            WHEN decision IN (
                'blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized'
            ) THEN 1
            ELSE 0
        END AS is_denial,
        CASE
            WHEN :until - :since <= 172800000000 THEN 3600000000
            ELSE 86400000000
        END AS period_us
    FROM events
    WHERE ts >= :since AND ts < :until
      AND pack = 'world'
) AS happened
GROUP BY ts / period_us * period_us
ORDER BY period_ts
