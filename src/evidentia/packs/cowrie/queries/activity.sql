-- title: Events over the period
-- description: What happened in each hour when the period is two days or shorter, in each day otherwise.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column period_ts: time | From
-- column connection_count: integer | Connections
-- column login_count: integer | Logins tried
-- column command_count: integer | Commands
-- column other_count: integer | Other events
-- column event_count: integer | Events
SELECT
    ts / period_us * period_us AS period_ts,
    COUNT(CASE WHEN kind = 'cowrie.session.connect' THEN 1 END) AS connection_count,
    COUNT(CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN 1 END)
        AS login_count,
    COUNT(CASE WHEN kind = 'cowrie.command.input' THEN 1 END) AS command_count,
    COUNT(
        CASE
            WHEN kind NOT IN (
                'cowrie.session.connect',
                'cowrie.login.failed',
                'cowrie.login.success',
                'cowrie.command.input'
            ) THEN 1
        END
    ) AS other_count,
    COUNT(*) AS event_count
FROM (
    SELECT
        kind,
        ts,
        CASE
            WHEN :until - :since <= 172800000000 THEN 3600000000
            ELSE 86400000000
        END AS period_us
    FROM events
    WHERE ts >= :since AND ts < :until
      AND pack = 'cowrie'
) AS happened
GROUP BY ts / period_us * period_us
ORDER BY period_ts
