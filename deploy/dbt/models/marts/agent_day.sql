{#- Made of sinks/views/sql/agent_day.sql by its test: change it there. -#}
SELECT source, account, stream, local_date, resource_id AS agent_id, MAX(resource_name) AS agent_name,
  {{ windrow.sum_integer("CASE WHEN stream = 'chattonic.operators' THEN assigned ELSE COALESCE(interactions_in + interactions_out, interactions_total, interactions_in, interactions_out) END") }} AS contacts,
  {{ windrow.sum_integer("answered") }} AS answered, {{ windrow.sum_integer("COALESCE(handled, resolved)") }} AS handled, {{ windrow.sum_integer("missed") }} AS missed,
  SUM(handle_seconds) AS handle_seconds, SUM(talk_seconds) AS talk_seconds, SUM(hold_seconds) AS hold_seconds, SUM(wrapup_seconds) AS wrapup_seconds,
  SUM(login_seconds) AS login_seconds, SUM(away_seconds) AS away_seconds, SUM(free_seconds) AS free_seconds
FROM {{ ref('windrow', 'stg_windrow__activity') }}
WHERE stream IN ('ucontact.agents', 'chattonic.operators')
GROUP BY source, account, stream, local_date, resource_id
UNION ALL
SELECT source, account, stream, local_date, agent_id, MAX(agent_name) AS agent_name,
  {{ windrow.sum_integer("handled") }} AS contacts, COUNT(CASE WHEN handled = 1 AND status = 'incoming' THEN 1 END) AS answered, {{ windrow.sum_integer("handled") }} AS handled, COUNT(CASE WHEN handled = 0 AND status = 'missed' THEN 1 END) AS missed,
  SUM(handle_seconds) AS handle_seconds, SUM(CASE WHEN handled = 1 THEN talk_seconds END) AS talk_seconds, SUM(CASE WHEN handled = 1 THEN hold_seconds END) AS hold_seconds,
  SUM(CASE WHEN handled = 1 THEN wrapup_seconds END) AS wrapup_seconds,
  CAST(NULL AS {{ windrow.type_double() }}) AS login_seconds, CAST(NULL AS {{ windrow.type_double() }}) AS away_seconds, CAST(NULL AS {{ windrow.type_double() }}) AS free_seconds
FROM {{ ref('windrow', 'call_legs') }}
GROUP BY source, account, stream, local_date, agent_id
