-- Stored evidence is not edited in place. These triggers stop slips and ordinary programs; they do
-- not stop someone who may drop them, which is why `verify` compares every row with the log.
--
-- The no_replace triggers are needed because INSERT OR REPLACE deletes the row in its way without
-- firing a delete trigger.

CREATE TRIGGER event_rows_no_update BEFORE UPDATE ON event_rows
BEGIN
    SELECT RAISE(ABORT, 'events are derived from the log and are not updated; use evidentia recover');
END;

CREATE TRIGGER event_rows_no_delete BEFORE DELETE ON event_rows
BEGIN
    SELECT RAISE(ABORT, 'events are derived from the log and are not deleted');
END;

CREATE TRIGGER event_rows_no_replace BEFORE INSERT ON event_rows
WHEN EXISTS (SELECT 1 FROM event_rows WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'there is an event at this position already');
END;

CREATE TRIGGER kinds_no_update BEFORE UPDATE ON kinds
BEGIN
    SELECT RAISE(ABORT, 'the kind of stored events is not updated');
END;

CREATE TRIGGER kinds_no_delete BEFORE DELETE ON kinds
BEGIN
    SELECT RAISE(ABORT, 'the kind of stored events is not deleted');
END;

CREATE TRIGGER kinds_no_replace BEFORE INSERT ON kinds
WHEN EXISTS (SELECT 1 FROM kinds WHERE id = NEW.id OR name = NEW.name)
BEGIN
    SELECT RAISE(ABORT, 'there is such a kind already');
END;

CREATE TRIGGER batches_no_update BEFORE UPDATE ON batches
BEGIN
    SELECT RAISE(ABORT, 'batch records are not updated');
END;

CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches
BEGIN
    SELECT RAISE(ABORT, 'batch records are not deleted');
END;

CREATE TRIGGER batches_no_replace BEFORE INSERT ON batches
WHEN EXISTS (
    SELECT 1 FROM batches
    WHERE id = NEW.id OR (segment_id = NEW.segment_id AND byte_start = NEW.byte_start)
)
BEGIN
    SELECT RAISE(ABORT, 'there is such a batch already');
END;

CREATE TRIGGER fillers_no_update BEFORE UPDATE ON fillers
BEGIN
    SELECT RAISE(ABORT, 'accounted bytes are not updated');
END;

CREATE TRIGGER fillers_no_delete BEFORE DELETE ON fillers
BEGIN
    SELECT RAISE(ABORT, 'accounted bytes are not deleted');
END;

CREATE TRIGGER fillers_no_replace BEFORE INSERT ON fillers
WHEN EXISTS (SELECT 1 FROM fillers WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the bytes at this position are accounted for already');
END;

CREATE TRIGGER dead_letter_rows_no_update
BEFORE UPDATE OF id, batch_id, line_no, raw, length, has_newline, sha256 ON dead_letter_rows
BEGIN
    SELECT RAISE(ABORT, 'the bytes of a dead letter are not updated; retry or resolve it');
END;

CREATE TRIGGER dead_letter_rows_no_delete BEFORE DELETE ON dead_letter_rows
BEGIN
    SELECT RAISE(ABORT, 'dead letters are resolved, never deleted');
END;

CREATE TRIGGER dead_letter_rows_no_replace BEFORE INSERT ON dead_letter_rows
WHEN EXISTS (SELECT 1 FROM dead_letter_rows WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'there is a dead letter at this position already');
END;

CREATE TRIGGER gap_rows_no_update BEFORE UPDATE ON gap_rows
BEGIN
    SELECT RAISE(ABORT, 'gaps are not updated');
END;

CREATE TRIGGER gap_rows_no_delete BEFORE DELETE ON gap_rows
BEGIN
    SELECT RAISE(ABORT, 'gaps are not deleted');
END;

CREATE TRIGGER gap_rows_no_replace BEFORE INSERT ON gap_rows
WHEN EXISTS (
    SELECT 1 FROM gap_rows
    WHERE id = NEW.id
    OR (segment_id = NEW.segment_id AND byte_offset = NEW.byte_offset AND kind = NEW.kind)
)
BEGIN
    SELECT RAISE(ABORT, 'this gap is recorded already');
END;

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;

CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;

CREATE TRIGGER tree_heads_no_step_back BEFORE UPDATE ON tree_heads
WHEN NEW.origin IS NOT OLD.origin
    OR NEW.size < OLD.size
    OR (NEW.size = OLD.size AND NEW.root IS NOT OLD.root)
BEGIN
    SELECT RAISE(ABORT, 'a tree head gives way to one of a larger tree only');
END;

CREATE TRIGGER tree_heads_no_delete BEFORE DELETE ON tree_heads
BEGIN
    SELECT RAISE(ABORT, 'the last tree head of a ledger is not deleted');
END;

CREATE TRIGGER tree_heads_no_replace BEFORE INSERT ON tree_heads
WHEN EXISTS (SELECT 1 FROM tree_heads WHERE origin = NEW.origin)
BEGIN
    SELECT RAISE(ABORT, 'there is a tree head of this ledger already');
END;
