-- title: Session depth
-- description: How many of the sessions with an event in a period had how many commands within it.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- column depth: text | Commands
-- column session_count: integer | Sessions
SELECT
    CASE
        WHEN class = 0 THEN 'none'
        WHEN class = 1 THEN '1'
        WHEN class = 2 THEN '2 to 4'
        WHEN class = 3 THEN '5 to 9'
        WHEN class = 4 THEN '10 to 19'
        WHEN class = 5 THEN '20 to 49'
        ELSE '50 or more'
    END AS depth,
    COUNT(*) AS session_count
FROM (
    SELECT
        CASE
            WHEN commands = 0 THEN 0
            WHEN commands = 1 THEN 1
            WHEN commands < 5 THEN 2
            WHEN commands < 10 THEN 3
            WHEN commands < 20 THEN 4
            WHEN commands < 50 THEN 5
            ELSE 6
        END AS class
    FROM (
        SELECT COUNT(CASE WHEN kind = 'cowrie.command.input' THEN 1 END) AS commands
        FROM events
        WHERE ts >= :since AND ts < :until AND session_id IS NOT NULL AND pack = 'cowrie'
        GROUP BY sensor, session_id
    ) AS sessions
) AS classes
GROUP BY class
ORDER BY class
