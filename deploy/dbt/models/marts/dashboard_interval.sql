{#- Made of sinks/views/sql/dashboard_interval.sql by its test: change it there. -#}
SELECT source, account, local_date, interval_start, interval_end, timezone, resource_id AS team_id, resource_name AS team, channel, messages_in, messages_out, resolved, expired, users_new, users_active,
  users_total AS users_total_snapshot, backlog AS backlog_snapshot, in_progress AS in_progress_snapshot,
  avg_answer_seconds AS first_response_seconds, avg_resolution_seconds AS resolution_seconds, nps, csat
FROM {{ ref('windrow', 'stg_windrow__activity') }} WHERE stream = 'chattonic.dashboard'
