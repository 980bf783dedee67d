{#- Made of sinks/views/sql/runs.sql by its test: change it there. -#}
SELECT sync_id, command, started_at, finished_at, exit, committed, unchanged, failed, {{ adapter.quote('rows') }}, rejected FROM {{ ref('windrow', 'stg_windrow__runs') }}
