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
  AND pack = 'world'
  AND kind NOT IN (
    'armed',
    'bot.allowed',
    'bot.denied',
    'bot.rate_limited',
    'bruce_observation',
    'build_result',
    'build_verb',
    'consent_given',
    'dev buildstub',
    'disarmed',
    'error',
    'governance_check',
    'governance_denial',
    'growth.apply.failed',
    'growth.apply.started',
    'growth.apply.succeeded',
    'growth.offer.created',
    'growth.offer.rejected',
    'heartbeat',
    'log_rotated',
    'look',
    'move',
    'npc_respawn',
    'permission_check',
    'plan',
    'player_chat',
    'player_command',
    'say',
    'session_close',
    'session_open',
    'session_start',
    'spawn_attempt'
  )
GROUP BY kind
ORDER BY event_count DESC, kind
LIMIT :limit
