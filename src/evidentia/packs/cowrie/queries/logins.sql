-- title: Logins over the period
-- description: Logins of each hour when the period is two days or shorter, of each day otherwise.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column period_ts: time | From
-- column success_count: integer | Succeeded
-- column failure_count: integer | Failed
-- column attempt_count: integer | Tried
SELECT
    ts / period_us * period_us AS period_ts,
    COUNT(CASE WHEN kind = 'cowrie.login.success' THEN 1 END) AS success_count,
    COUNT(CASE WHEN kind = 'cowrie.login.failed' THEN 1 END) AS failure_count,
    COUNT(*) AS attempt_count
FROM (
    SELECT
        kind,
        ts,
        CASE
            WHEN :until - :since <= 172800000000 THEN 3600000000
            ELSE 86400000000
        END AS period_us
    FROM events
    WHERE kind IN ('cowrie.login.failed', 'cowrie.login.success') AND ts >= :since AND ts < :until
) AS logins
GROUP BY ts / period_us * period_us
ORDER BY period_ts
