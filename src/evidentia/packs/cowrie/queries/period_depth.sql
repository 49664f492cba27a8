-- title: Session depth of a period
-- description: How many of the sessions that began in a period had how many commands, each session whole.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
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
            WHEN command_count = 0 THEN 0
            WHEN command_count = 1 THEN 1
            WHEN command_count < 5 THEN 2
            WHEN command_count < 10 THEN 3
            WHEN command_count < 20 THEN 4
            WHEN command_count < 50 THEN 5
            ELSE 6
        END AS class
    FROM sessions
    WHERE first_ts >= :since AND first_ts < :until
) AS classes
GROUP BY class
ORDER BY class
