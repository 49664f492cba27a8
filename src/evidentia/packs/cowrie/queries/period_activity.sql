-- title: Events over a period
-- description: What happened in each hour when the period is two days or shorter, in each day otherwise. By whole hours, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column period_ts: time | From
-- column connection_count: integer | Connections
-- column login_count: integer | Logins tried
-- column command_count: integer | Commands
-- column other_count: integer | Other events
-- column event_count: integer | Events
SELECT
    period_ts,
    SUM(CASE WHEN kind = 'cowrie.session.connect' THEN events ELSE 0 END) AS connection_count,
    SUM(
        CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN events ELSE 0 END
    ) AS login_count,
    SUM(CASE WHEN kind = 'cowrie.command.input' THEN events ELSE 0 END) AS command_count,
    SUM(
        CASE
            WHEN kind IN (
                'cowrie.session.connect',
                'cowrie.login.failed',
                'cowrie.login.success',
                'cowrie.command.input'
            ) THEN 0
            ELSE events
        END
    ) AS other_count,
    SUM(events) AS event_count
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
    WHERE hour >= :since AND hour < :until AND hour <> -1
) AS happened
GROUP BY period_ts
ORDER BY period_ts
