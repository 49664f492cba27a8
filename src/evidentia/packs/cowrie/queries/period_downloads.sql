-- title: Downloads of a period
-- description: Files that intruders fetched, failed to fetch or sent in a period; each outcome counts for itself. By whole days, which belong to the period that they begin in.
-- parameter since: time = 1970-01-01T00:00:00Z | Only what happened at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only what happened before this time.
-- parameter limit: integer = 100 | At most this many files.
-- column kind: text | Outcome
-- column url: unsafe | Address of the file
-- column shasum: text | SHA-256
-- column source_count: integer | Addresses
-- column first_ts: time | First
-- column last_ts: time | Last
-- column download_count: integer | Times
SELECT
    kind,
    NULLIF(url, '') AS url,
    NULLIF(shasum, '') AS shasum,
    COUNT(DISTINCT NULLIF(source, '')) AS source_count,
    MIN(first_ts) AS first_ts,
    MAX(last_ts) AS last_ts,
    SUM(occurrences) AS download_count
FROM download_days
WHERE day >= :since AND day < :until AND day <> -1
GROUP BY kind, download_days.url, download_days.shasum
ORDER BY SUM(occurrences) DESC, kind, download_days.url, download_days.shasum
LIMIT :limit
