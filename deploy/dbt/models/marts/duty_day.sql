{#- Made of sinks/views/sql/duty_day.sql by its test: change it there. -#}
SELECT source, account, local_date, agent_id, agent_name, available_seconds, occupied_seconds, wrapup_seconds, busy_seconds, unavailable_seconds, unknown_seconds, other_seconds, total_seconds,
  COALESCE(occupied_seconds, 0) + COALESCE(wrapup_seconds, 0) AS numerator,
  COALESCE(occupied_seconds, 0) + COALESCE(wrapup_seconds, 0) + COALESCE(available_seconds, 0) AS denominator,
  (COALESCE(occupied_seconds, 0) + COALESCE(wrapup_seconds, 0)) / NULLIF(COALESCE(occupied_seconds, 0) + COALESCE(wrapup_seconds, 0) + COALESCE(available_seconds, 0), 0) AS occupancy
FROM (
  SELECT source, account, local_date, resource_id AS agent_id, MAX(resource_name) AS agent_name,
    SUM(CASE WHEN status = 'available' THEN status_seconds END) AS available_seconds,
    SUM(CASE WHEN status = 'occupied' THEN status_seconds END) AS occupied_seconds,
    SUM(CASE WHEN status = 'wrapup' THEN status_seconds END) AS wrapup_seconds,
    SUM(CASE WHEN status = 'busy' THEN status_seconds END) AS busy_seconds,
    SUM(CASE WHEN status = 'unavailable' THEN status_seconds END) AS unavailable_seconds,
    SUM(CASE WHEN status = 'unknown' THEN status_seconds END) AS unknown_seconds,
    SUM(CASE WHEN status NOT IN ('available', 'occupied', 'wrapup', 'busy', 'unavailable', 'unknown') THEN status_seconds END) AS other_seconds,
    SUM(status_seconds) AS total_seconds
  FROM {{ ref('windrow', 'stg_windrow__activity') }} WHERE stream = 'dialpad.onduty_time'
  GROUP BY source, account, local_date, resource_id
) AS day
