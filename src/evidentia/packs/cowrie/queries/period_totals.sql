-- title: Totals of a period
-- description: The sessions that began in a period, each whole, and the logins, commands and downloads that happened in it. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- column session_count: integer | Sessions
-- column source_count: integer | Addresses
-- column attempt_count: integer | Logins tried
-- column success_count: integer | Logins succeeded
-- column command_count: integer | Commands
-- column command_mean: real | Commands a session
-- column command_min: integer | Fewest commands
-- column command_max: integer | Most commands
-- column download_count: integer | Downloads
SELECT
    began.session_count,
    sources.source_count,
    happened.attempt_count,
    happened.success_count,
    happened.command_count,
    began.command_mean,
    began.command_min,
    began.command_max,
    happened.download_count
FROM (
    SELECT
        COUNT(*) AS session_count,
        COALESCE(AVG(1.0 * command_count), 0.0) AS command_mean,
        COALESCE(MIN(command_count), 0) AS command_min,
        COALESCE(MAX(command_count), 0) AS command_max
    FROM sessions
    WHERE first_ts >= :since AND first_ts < :until
) AS began
CROSS JOIN (
    SELECT COUNT(DISTINCT source) AS source_count
    FROM source_days
    WHERE day >= :since AND day < :until AND day <> -1
) AS sources
CROSS JOIN (
    SELECT
        COALESCE(SUM(
            CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN events END
        ), 0) AS attempt_count,
        COALESCE(SUM(CASE WHEN kind = 'cowrie.login.success' THEN events END), 0)
            AS success_count,
        COALESCE(SUM(CASE WHEN kind = 'cowrie.command.input' THEN events END), 0)
            AS command_count,
        COALESCE(SUM(CASE WHEN kind = 'cowrie.session.file_download' THEN events END), 0)
            AS download_count
    FROM hourly
    WHERE hour >= :since AND hour < :until AND hour <> -1
) AS happened
