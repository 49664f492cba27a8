-- title: Session totals
-- description: The sessions that have an event in a period, and what happened in them within it; one session is one sensor's.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
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
    COUNT(*) AS session_count,
    (
        SELECT COUNT(DISTINCT actor)
        FROM events
        WHERE ts >= :since AND ts < :until AND session_id IS NOT NULL AND pack = 'cowrie'
    ) AS source_count,
    COALESCE(SUM(attempts), 0) AS attempt_count,
    COALESCE(SUM(successes), 0) AS success_count,
    COALESCE(SUM(commands), 0) AS command_count,
    COALESCE(AVG(1.0 * commands), 0.0) AS command_mean,
    COALESCE(MIN(commands), 0) AS command_min,
    COALESCE(MAX(commands), 0) AS command_max,
    COALESCE(SUM(downloads), 0) AS download_count
FROM (
    SELECT
        COUNT(CASE WHEN kind IN ('cowrie.login.failed', 'cowrie.login.success') THEN 1 END)
            AS attempts,
        COUNT(CASE WHEN kind = 'cowrie.login.success' THEN 1 END) AS successes,
        COUNT(CASE WHEN kind = 'cowrie.command.input' THEN 1 END) AS commands,
        COUNT(CASE WHEN kind = 'cowrie.session.file_download' THEN 1 END) AS downloads
    FROM events
    WHERE ts >= :since AND ts < :until AND session_id IS NOT NULL AND pack = 'cowrie'
    GROUP BY sensor, session_id
) AS sessions
