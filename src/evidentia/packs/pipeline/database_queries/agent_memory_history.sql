-- title: Memory of an agent over time
-- description: The states that an agent's memory had, the newest first.
-- parameter agent_id: text = code-generator | The agent.
-- parameter limit: integer = 20 | At most this many rows.
-- column created_at: time | Recorded
-- column retry_count: integer | Retries
-- column last_error: text | Last error
-- column memory_json: text | State
-- column collision_history: text | Collisions
SELECT created_at, retry_count, last_error, memory_json, collision_history
FROM agent_memory_history
WHERE agent_id = :agent_id
ORDER BY created_at DESC, id DESC
LIMIT :limit
