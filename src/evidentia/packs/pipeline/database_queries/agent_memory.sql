-- title: Memory of agents
-- description: The latest state of each agent, those changed last first.
-- parameter limit: integer = 20 | At most this many rows.
-- column agent_id: text | Agent
-- column updated_at: time | Changed
-- column retry_count: integer | Retries
-- column last_error: text | Last error
-- column memory_json: text | State
-- column collision_history: text | Collisions
SELECT agent_id, updated_at, retry_count, last_error, memory_json, collision_history
FROM agent_memory
ORDER BY updated_at DESC
LIMIT :limit
