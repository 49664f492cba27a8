-- title: Newest record
-- description: The latest time that a receipt states.
-- column newest: time | When
SELECT MAX(timestamp) AS newest FROM receipts
