-- title: Events over the period
-- description: What happened in each hour when the period is two days or shorter, in each day otherwise. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column period_ts: time | From
-- column growth_count: integer | Growth
-- column denial_count: integer | Denials
-- column other_count: integer | Other events
-- column event_count: integer | Events
SELECT
    period_ts,
    SUM(CASE WHEN is_denial = 0 AND substr(kind, 1, 7) = 'growth.' THEN event_count ELSE 0 END)
        AS growth_count,
    SUM(CASE WHEN is_denial = 1 THEN event_count ELSE 0 END) AS denial_count,
    SUM(CASE WHEN is_denial = 0 AND substr(kind, 1, 7) <> 'growth.' THEN event_count ELSE 0 END)
        AS other_count,
    SUM(event_count) AS event_count
FROM (
    SELECT
        CASE
            WHEN :until - :since <= 172800000000 THEN hour
            -- The remainder has the sign of the time.
            ELSE hour - (hour % 86400000000 + 86400000000) % 86400000000
        END AS period_ts,
        kind,
        CASE
            WHEN decision IN (
                'blocked', 'denied', 'rate_limited', 'refused', 'rejected', 'unauthorized'
            ) THEN 1
            ELSE 0
        END AS is_denial,
        event_count
    FROM world_hours
    WHERE hour >= :since AND hour < :until AND hour <> -1
) AS happened
GROUP BY period_ts
ORDER BY period_ts
