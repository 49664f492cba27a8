-- title: Top credentials
-- description: The user names and passwords that were tried most in a period; a login by public key has no password.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 20 | At most this many pairs.
-- column username: text | User name
-- column password: text | Password
-- column source_count: integer | Addresses
-- column success_count: integer | Succeeded
-- column attempt_count: integer | Tried
SELECT
    username,
    password,
    COUNT(DISTINCT actor) AS source_count,
    COUNT(CASE WHEN kind = 'cowrie.login.success' THEN 1 END) AS success_count,
    COUNT(*) AS attempt_count
FROM events
WHERE kind IN ('cowrie.login.failed', 'cowrie.login.success') AND ts >= :since AND ts < :until
GROUP BY username, password
ORDER BY attempt_count DESC, COALESCE(username, ''), COALESCE(password, '')
LIMIT :limit
