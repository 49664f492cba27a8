-- title: Top commands
-- description: The commands that intruders typed most, from how many addresses, in a period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 20 | At most this many commands.
-- column input: unsafe | Command
-- column source_count: integer | Addresses
-- column first_ts: time | First
-- column last_ts: time | Last
-- column command_count: integer | Times
SELECT
    input,
    COUNT(DISTINCT actor) AS source_count,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(*) AS command_count
FROM events
WHERE kind = 'cowrie.command.input' AND ts >= :since AND ts < :until
GROUP BY input
ORDER BY command_count DESC, COALESCE(input, '')
LIMIT :limit
