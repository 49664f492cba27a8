-- title: Collisions of one session
-- description: The conflicts of agents in a session, the last first.
-- parameter session_id: text = | The session.
-- parameter limit: integer = 100 | At most this many rows.
-- column timestamp: time | When
-- column agent_id_1: text | Agent
-- column agent_id_2: text | Other agent
-- column collision_type: text | Type
-- column severity: text | Severity
-- column description: text | Description
-- column resolution: text | Resolution
SELECT timestamp, agent_id_1, agent_id_2, collision_type, severity, description, resolution
FROM collision_detection
WHERE session_id = :session_id
ORDER BY timestamp DESC
LIMIT :limit
