{#- Made of sinks/views/sql/rejects.sql by its test: change it there. -#}
SELECT source, account, stream, scope, position, reason, field, shape, raw, row_time, window_start, window_end, extracted_at, sync_id FROM {{ ref('windrow', 'stg_windrow__rejects') }}
