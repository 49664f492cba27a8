-- title: Mapped values
-- description: Values that were not stated as the tables hold them, by column, with the rule that mapped each.
-- column table_name: text | Table
-- column column_name: text | Column
-- column stated_value: text | Stated
-- column stored_value: text | Stored
-- column rule: text | Rule
-- column row_count: integer | Rows
SELECT table_name, column_name, stated_value, stored_value, rule, COUNT(*) AS row_count
FROM mapped_values
GROUP BY table_name, column_name, stated_value, stored_value, rule
ORDER BY table_name, column_name, stated_value, stored_value, rule
