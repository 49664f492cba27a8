-- title: The newest executions
-- description: The 100 receipts recorded last; audit_entries are the audit rows of the same agent from timestamp to duration_ms after it, both ends included.
-- column execution_id: text | Execution
-- column agent_id: text | Agent
-- column operation: text | Operation
-- column status: text | Status
-- column timestamp: text | Time
-- column files_generated: integer | Files generated
-- column files_modified: integer | Files modified
-- column duration_ms: integer | Duration (ms)
-- column audit_entries: integer | Audit entries
-- column slo_violations: integer | SLO violations
SELECT
  r.execution_id,
  r.agent_id,
  r.operation,
  r.status,
  r.timestamp,
  r.files_generated,
  r.files_modified,
  r.duration_ms,
  -- A span is the timestamp and duration_ms after it, both ends included. Moments are compared, not
  -- texts, which may differ in form; half a millisecond of room, for they are floating-point days.
  (
    SELECT COUNT(*)
    FROM audit_log AS a
    WHERE a.agent_id = r.agent_id
      AND julianday(a.timestamp) >= julianday(r.timestamp) - 0.5 / 86400000.0
      AND julianday(a.timestamp) <= julianday(r.timestamp) + (r.duration_ms + 0.5) / 86400000.0
  ) AS audit_entries,
  (
    SELECT COUNT(*) FROM slo_violations AS s WHERE s.execution_id = r.execution_id
  ) AS slo_violations
FROM receipts AS r
ORDER BY r.created_at DESC, r.id DESC
LIMIT 100
