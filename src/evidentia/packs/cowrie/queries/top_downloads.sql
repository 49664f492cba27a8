-- title: Top downloads
-- description: The addresses of files that were fetched most in a period; failures and uploads do not count.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 10 | At most this many addresses.
-- column url: unsafe | Address of the file
-- column download_count: integer | Times
SELECT url, COUNT(*) AS download_count
FROM events
WHERE kind = 'cowrie.session.file_download' AND ts >= :since AND ts < :until AND url IS NOT NULL
GROUP BY url
ORDER BY download_count DESC, url
LIMIT :limit
