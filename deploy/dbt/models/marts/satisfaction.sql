{#- Made of sinks/views/sql/satisfaction.sql by its test: change it there. -#}
SELECT source, account, stream, measure, local_date, agent_id, agent_name, queue_id, queue, responses, promoters, passives, detractors, numerator, denominator,
  100 * numerator / NULLIF(denominator, 0) AS score
FROM (
  SELECT source, account, stream, 'nps' AS measure, local_date, agent_id, MAX(agent_name) AS agent_name, CAST(NULL AS {{ windrow.type_string() }}) AS queue_id, CAST(NULL AS {{ windrow.type_string() }}) AS queue,
    COUNT(score) AS responses, COUNT(CASE WHEN score >= 9 THEN 1 END) AS promoters, COUNT(CASE WHEN score > 6 AND score < 9 THEN 1 END) AS passives, COUNT(CASE WHEN score <= 6 THEN 1 END) AS detractors,
    CAST(COUNT(CASE WHEN score >= 9 THEN 1 END) - COUNT(CASE WHEN score <= 6 THEN 1 END) AS {{ windrow.type_double() }}) AS numerator, CAST(COUNT(score) AS {{ windrow.type_double() }}) AS denominator
  FROM {{ ref('windrow', 'stg_windrow__events') }} WHERE kind = 'nps'
  GROUP BY source, account, stream, local_date, agent_id
  UNION ALL
  SELECT source, account, stream, 'nps', local_date, resource_id, MAX(resource_name), CAST(NULL AS {{ windrow.type_string() }}), CAST(NULL AS {{ windrow.type_string() }}),
    {{ windrow.sum_integer("nps_responses") }}, CAST(NULL AS {{ windrow.type_integer() }}), CAST(NULL AS {{ windrow.type_integer() }}), CAST(NULL AS {{ windrow.type_integer() }}),
    SUM(nps * nps_responses) / 100, CAST(SUM(CASE WHEN nps IS NOT NULL THEN nps_responses END) AS {{ windrow.type_double() }})
  FROM {{ ref('windrow', 'stg_windrow__activity') }} WHERE stream = 'chattonic.operators' AND nps_responses IS NOT NULL
  GROUP BY source, account, stream, local_date, resource_id
  UNION ALL
  SELECT source, account, stream, 'csat', local_date, agent_id, MAX(agent_name), scope, MAX(queue),
    COUNT(*), CAST(NULL AS {{ windrow.type_integer() }}), CAST(NULL AS {{ windrow.type_integer() }}), CAST(NULL AS {{ windrow.type_integer() }}),
    CAST(COUNT(CASE WHEN score >= 4 THEN 1 END) AS {{ windrow.type_double() }}), CAST(COUNT(*) AS {{ windrow.type_double() }})
  FROM (
    SELECT source, account, stream, local_date, event_id, scope, MAX(agent_id) AS agent_id, MAX(agent_name) AS agent_name, MAX(resource_name) AS queue, MAX(score) AS score
    FROM {{ ref('windrow', 'stg_windrow__events') }} WHERE kind = 'csat' AND score IS NOT NULL
    GROUP BY source, account, stream, local_date, event_id, scope
  ) AS call
  GROUP BY source, account, stream, local_date, agent_id, scope
) AS answers
