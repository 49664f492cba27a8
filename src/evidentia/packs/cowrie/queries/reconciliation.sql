-- title: Reconciliation
-- description: What each summary adds up to, and what the events do: all differences are 0, or that summary was changed behind its back; 'evidentia projection check' then names its rows.
-- column summary: text | Summary
-- column counted: text | Counts
-- column summary_count: integer | In the summary
-- column event_count: integer | In the events
-- column difference: integer | Difference
WITH sums AS (
    SELECT 1 AS place, 'hourly' AS summary, 'events' AS counted, (
        SELECT COALESCE(SUM(events), 0) FROM hourly
    ) AS summary_count, (
        SELECT COUNT(*) FROM events WHERE pack = 'cowrie'
    ) AS event_count
    UNION ALL
    SELECT 2, 'sessions', 'sessions', (
        SELECT COUNT(*) FROM sessions
    ), (
        SELECT COUNT(*) FROM (
            SELECT DISTINCT session_id, COALESCE(sensor, '') AS sensor
            FROM events
            WHERE session_id IS NOT NULL AND pack = 'cowrie'
        ) AS found
    )
    UNION ALL
    SELECT 3, 'sessions', 'events', (
        SELECT COALESCE(SUM(event_count), 0) FROM sessions
    ), (
        SELECT COUNT(*) FROM events WHERE session_id IS NOT NULL AND pack = 'cowrie'
    )
    UNION ALL
    SELECT 4, 'source_days', 'events', (
        SELECT COALESCE(SUM(event_count), 0) FROM source_days
    ), (
        SELECT COUNT(*) FROM events WHERE actor IS NOT NULL AND pack = 'cowrie'
    )
    UNION ALL
    SELECT 5, 'command_days', 'commands', (
        SELECT COALESCE(SUM(occurrences), 0) FROM command_days
    ), (
        SELECT COUNT(*) FROM events WHERE kind = 'cowrie.command.input' AND pack = 'cowrie'
    )
    UNION ALL
    SELECT 6, 'credential_days', 'logins', (
        SELECT COALESCE(SUM(attempts), 0) FROM credential_days
    ), (
        SELECT COUNT(*)
        FROM events
        WHERE kind IN ('cowrie.login.failed', 'cowrie.login.success') AND pack = 'cowrie'
    )
    UNION ALL
    SELECT 7, 'download_days', 'downloads', (
        SELECT COALESCE(SUM(occurrences), 0) FROM download_days
    ), (
        SELECT COUNT(*)
        FROM events
        WHERE kind IN (
                'cowrie.session.file_download',
                'cowrie.session.file_download.failed',
                'cowrie.session.file_upload'
            )
          AND pack = 'cowrie'
    )
)
SELECT summary, counted, summary_count, event_count, summary_count - event_count AS difference
FROM sums
ORDER BY place
