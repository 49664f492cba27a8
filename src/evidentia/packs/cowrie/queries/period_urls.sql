-- title: Top downloads of a period
-- description: The addresses of files that were fetched most in a period; failures and uploads do not count. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 10 | At most this many addresses.
-- column url: unsafe | Address of the file
-- column download_count: integer | Times
SELECT url, SUM(occurrences) AS download_count
FROM download_days
WHERE kind = 'cowrie.session.file_download' AND url <> ''
  AND day >= :since AND day < :until AND day <> -1
GROUP BY url
ORDER BY SUM(occurrences) DESC, url
LIMIT :limit
