-- title: Top credentials of a period
-- description: The user names and passwords that were tried most in a period; a login by public key has no password. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 20 | At most this many pairs.
-- column username: text | User name
-- column password: text | Password
-- column success_count: integer | Succeeded
-- column attempt_count: integer | Tried
SELECT
    NULLIF(username, '') AS username,
    NULLIF(password, '') AS password,
    SUM(successes) AS success_count,
    SUM(attempts) AS attempt_count
FROM credential_days
WHERE day >= :since AND day < :until AND day <> -1
GROUP BY credential_days.username, credential_days.password
ORDER BY SUM(attempts) DESC, credential_days.username, credential_days.password
LIMIT :limit
