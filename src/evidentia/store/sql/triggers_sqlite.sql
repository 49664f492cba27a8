-- Stored evidence is not edited in place. These triggers stop slips and ordinary programs; they do
-- not stop someone who may drop them, which is why `verify` compares every row with the log.

CREATE TRIGGER event_rows_no_update BEFORE UPDATE ON event_rows
BEGIN
    SELECT RAISE(ABORT, 'events are derived from the log and are not updated; use evidentia recover');
END;

CREATE TRIGGER event_rows_no_delete BEFORE DELETE ON event_rows
BEGIN
    SELECT RAISE(ABORT, 'events are derived from the log and are not deleted');
END;

CREATE TRIGGER batches_no_update BEFORE UPDATE ON batches
BEGIN
    SELECT RAISE(ABORT, 'batch records are not updated');
END;

CREATE TRIGGER batches_no_delete BEFORE DELETE ON batches
BEGIN
    SELECT RAISE(ABORT, 'batch records are not deleted');
END;

CREATE TRIGGER fillers_no_update BEFORE UPDATE ON fillers
BEGIN
    SELECT RAISE(ABORT, 'accounted bytes are not updated');
END;

CREATE TRIGGER fillers_no_delete BEFORE DELETE ON fillers
BEGIN
    SELECT RAISE(ABORT, 'accounted bytes are not deleted');
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

CREATE TRIGGER gap_rows_no_delete BEFORE DELETE ON gap_rows
BEGIN
    SELECT RAISE(ABORT, 'gaps are not deleted');
END;

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only appended to');
END;
