-- grain: one row for each source row that could not be loaded
-- formula: the rejects of committed windows; raw is the vendor's row as it came, and null where personal data are hashed or dropped.
SELECT source, account, stream, scope, position, reason, field, shape, raw, row_time, window_start, window_end, extracted_at, sync_id FROM {{rejects}}
