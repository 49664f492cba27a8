-- title: Sessions
-- description: Runs of several agents, those recorded last first.
-- parameter limit: integer = 20 | At most this many rows.
-- column session_id: text | Session
-- column start_time: time | Began
-- column end_time: time | Ended
-- column status: text | Status
-- column agent_count: integer | Agents
-- column successful_operations: integer | Successful
-- column failed_operations: integer | Failed
-- column total_duration_ms: integer | Duration (ms)
SELECT
  session_id, start_time, end_time, status, agent_count, successful_operations,
  failed_operations, total_duration_ms
FROM workflow_sessions
ORDER BY created_at DESC
LIMIT :limit
