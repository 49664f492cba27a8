-- title: Unknown kinds
-- description: Kinds that the pack does not know, which are stored and counted like any other; those of events without a known time are in every period.
-- parameter since: time = 1970-01-01T00:00:00Z | Only events at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only events before this time.
-- parameter limit: integer = 200 | At most this many kinds.
-- column kind: text | Kind
-- column first_ts: time | First
-- column last_ts: time | Last
-- column event_count: integer | Events
SELECT kind, MIN(ts) AS first_ts, MAX(ts) AS last_ts, COUNT(*) AS event_count
FROM events
WHERE ((ts >= :since AND ts < :until) OR ts IS NULL)
  AND pack = 'cowrie'
  AND kind NOT IN (
    'cowrie.abuseipdb.ratelimited',
    'cowrie.abuseipdb.reportedip',
    'cowrie.abuseipdb.reportfail',
    'cowrie.abuseipdb.started',
    'cowrie.abuseipdb.wakeup',
    'cowrie.client.fingerprint',
    'cowrie.client.kex',
    'cowrie.client.malformed_packet',
    'cowrie.client.size',
    'cowrie.client.var',
    'cowrie.client.version',
    'cowrie.command.chpasswd',
    'cowrie.command.failed',
    'cowrie.command.input',
    'cowrie.command.success',
    'cowrie.direct-tcpip.data',
    'cowrie.direct-tcpip.ja4',
    'cowrie.direct-tcpip.ja4h',
    'cowrie.direct-tcpip.redirect',
    'cowrie.direct-tcpip.request',
    'cowrie.direct-tcpip.tunnel',
    'cowrie.greynoise.result',
    'cowrie.log.closed',
    'cowrie.log.open',
    'cowrie.login.failed',
    'cowrie.login.success',
    'cowrie.proxy.backend_connect_error',
    'cowrie.proxy.backend_connected',
    'cowrie.proxy.backend_disconnected',
    'cowrie.proxy.client_disconnect',
    'cowrie.proxy.ssh',
    'cowrie.reversedns.connect',
    'cowrie.reversedns.forward',
    'cowrie.session.closed',
    'cowrie.session.connect',
    'cowrie.session.file_download',
    'cowrie.session.file_download.failed',
    'cowrie.session.file_upload',
    'cowrie.session.input',
    'cowrie.session.params',
    'cowrie.telnet.error',
    'cowrie.telnet.exploit_attempt',
    'cowrie.telnet.exploit_success',
    'cowrie.telnet.option',
    'cowrie.tunnelproxy-tcpip.data',
    'cowrie.urlhaus.submitted',
    'cowrie.virustotal.scanfile',
    'cowrie.virustotal.scanurl'
  )
GROUP BY kind
ORDER BY event_count DESC, kind
LIMIT :limit
