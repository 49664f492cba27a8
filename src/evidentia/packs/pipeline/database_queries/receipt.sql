-- title: One execution
-- description: The receipt with an execution's id, as it was recorded.
-- parameter execution_id: text = | Its id.
-- column timestamp: time | When
-- column execution_id: text | Execution
-- column agent_id: text | Agent
-- column operation: text | Operation
-- column status: text | Status
-- column duration_ms: integer | Duration (ms)
-- column files_generated: integer | Files generated
-- column files_modified: integer | Files modified
-- column manifest_hash: text | Manifest
-- column ontology_hash: text | Ontology
-- column environment: text | Environment
-- column error_message: text | Error
-- column receipt_json: text | Receipt
SELECT
  timestamp, execution_id, agent_id, operation, status, duration_ms, files_generated,
  files_modified, manifest_hash, ontology_hash, environment, error_message, receipt_json
FROM receipts
WHERE execution_id = :execution_id
