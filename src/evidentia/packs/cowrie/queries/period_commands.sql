-- title: Top commands of a period
-- description: The commands that intruders typed most in a period, with every run of blanks as one. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 20 | At most this many commands.
-- column input: unsafe | Command
-- column first_ts: time | First
-- column last_ts: time | Last
-- column command_count: integer | Times
SELECT
    NULLIF(command, '') AS input,
    MIN(first_ts) AS first_ts,
    MAX(last_ts) AS last_ts,
    SUM(occurrences) AS command_count
FROM command_days
WHERE day >= :since AND day < :until AND day <> -1 AND occurrences > 0
GROUP BY command
ORDER BY SUM(occurrences) DESC, command
LIMIT :limit
