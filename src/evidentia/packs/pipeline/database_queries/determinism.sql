-- title: Do executions agree
-- description: For each operation of a period, how many different inputs its executions had. What a receipt itself says of determinism counts for nothing.
-- parameter since: time = -30d | Only executions that began at or after this time.
-- parameter until: time = 9999-12-31T23:59:59Z | Only executions that began before this time.
-- column operation: text | Operation
-- column execution_count: integer | Executions
-- column hashed_count: integer | With both hashes
-- column manifest_count: integer | Manifests
-- column ontology_count: integer | Ontologies
-- column is_same: integer | All the same
SELECT
  operation,
  COUNT(*) AS execution_count,
  SUM(CASE WHEN manifest_hash IS NULL OR ontology_hash IS NULL THEN 0 ELSE 1 END) AS hashed_count,
  COUNT(DISTINCT manifest_hash) AS manifest_count,
  COUNT(DISTINCT ontology_hash) AS ontology_count,
  CASE
    WHEN COUNT(*) > 1
      AND SUM(CASE WHEN manifest_hash IS NULL OR ontology_hash IS NULL THEN 1 ELSE 0 END) = 0
      AND COUNT(DISTINCT manifest_hash) = 1
      AND COUNT(DISTINCT ontology_hash) = 1
    THEN 1 ELSE 0
  END AS is_same
FROM receipts
WHERE timestamp >= :since AND timestamp < :until
GROUP BY operation
ORDER BY execution_count DESC, operation
