-- grain: one row for each interval of Chat-Tonic's dashboard, as the vendor gives it
-- formula: rows of activity as they are. first_response_seconds and resolution_seconds are the vendor's means without a weight, users_active counts distinct users, and the columns that end in _snapshot are of the moment of reading: none of these can be added or averaged over intervals.
SELECT source, account, local_date, interval_start, interval_end, timezone, resource_id AS team_id, resource_name AS team, channel, messages_in, messages_out, resolved, expired, users_new, users_active,
  users_total AS users_total_snapshot, backlog AS backlog_snapshot, in_progress AS in_progress_snapshot,
  avg_answer_seconds AS first_response_seconds, avg_resolution_seconds AS resolution_seconds, nps, csat
FROM {{table "activity"}} WHERE stream = 'chattonic.dashboard'
