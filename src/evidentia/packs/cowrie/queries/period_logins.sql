-- title: Logins over a period
-- description: Logins of each hour when the period is two days or shorter, of each day otherwise. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column period_ts: time | From
-- column success_count: integer | Succeeded
-- column failure_count: integer | Failed
-- column attempt_count: integer | Tried
SELECT
    period_ts,
    SUM(CASE WHEN kind = 'cowrie.login.success' THEN events ELSE 0 END) AS success_count,
    SUM(CASE WHEN kind = 'cowrie.login.failed' THEN events ELSE 0 END) AS failure_count,
    SUM(events) AS attempt_count
FROM (
    SELECT
        CASE
            WHEN :until - :since <= 172800000000 THEN hour
            -- The remainder has the sign of the time.
            ELSE hour - (hour % 86400000000 + 86400000000) % 86400000000
        END AS period_ts,
        kind,
        events
    FROM hourly
    WHERE kind IN ('cowrie.login.failed', 'cowrie.login.success')
      AND hour >= :since AND hour < :until AND hour <> -1
) AS logins
GROUP BY period_ts
ORDER BY period_ts
