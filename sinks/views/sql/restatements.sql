-- grain: one row for each commit that replaced other rows of a window
-- formula: the history's changes; days_after = days from the window's end to the reading; measures holds the sums of each measure that changed, before and after.
SELECT source, account, stream, window_start, window_end, read_at, previous_read_at, {{seconds "window_end" "read_at"}} / 86400 AS days_after, after_settle, rows_before, rows_after, measures, sync_id
FROM {{history}} WHERE kind = 'changed'
