-- title: Downloads
-- description: Files that intruders fetched, failed to fetch or sent in a period; each outcome counts for itself.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
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
    url,
    shasum,
    COUNT(DISTINCT actor) AS source_count,
    MIN(ts) AS first_ts,
    MAX(ts) AS last_ts,
    COUNT(*) AS download_count
FROM events
WHERE kind IN (
        'cowrie.session.file_download',
        'cowrie.session.file_download.failed',
        'cowrie.session.file_upload'
    )
  AND ts >= :since AND ts < :until
GROUP BY kind, url, shasum
ORDER BY download_count DESC, kind, COALESCE(url, ''), COALESCE(shasum, '')
LIMIT :limit
