{#- Made of sinks/views/sql/restatements.sql by its test: change it there. -#}
SELECT source, account, stream, window_start, window_end, read_at, previous_read_at, {{ windrow.seconds("window_end", "read_at") }} / 86400 AS days_after, after_settle, rows_before, rows_after, measures, sync_id
FROM {{ ref('windrow', 'stg_windrow__history') }} WHERE kind = 'changed'
