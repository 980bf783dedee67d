-- grain: one row for each measure (nps, csat), stream, local day, agent and queue that answers tell of
-- formula: nps: 100 x (promoters (9-10) - detractors (0-6)) / responses, of the answers themselves; of Chat-Tonic's operators the sum of nps x responses over the sum of responses. csat: each call is reduced to its highest score, and the share of calls with 4 or 5 is taken, x 100; queue is the target that was asked. score = 100 x numerator / denominator. Sum numerator and denominator and divide once; no answers: null.
SELECT source, account, stream, measure, local_date, agent_id, agent_name, queue_id, queue, responses, promoters, passives, detractors, numerator, denominator,
  100 * numerator / NULLIF(denominator, 0) AS score
FROM (
  SELECT source, account, stream, 'nps' AS measure, local_date, agent_id, MAX(agent_name) AS agent_name, CAST(NULL AS {{string}}) AS queue_id, CAST(NULL AS {{string}}) AS queue,
    COUNT(score) AS responses, {{count "score >= 9"}} AS promoters, {{count "score > 6 AND score < 9"}} AS passives, {{count "score <= 6"}} AS detractors,
    CAST({{count "score >= 9"}} - {{count "score <= 6"}} AS {{double}}) AS numerator, CAST(COUNT(score) AS {{double}}) AS denominator
  FROM {{table "events"}} WHERE kind = 'nps'
  GROUP BY source, account, stream, local_date, agent_id
  UNION ALL
  SELECT source, account, stream, 'nps', local_date, resource_id, MAX(resource_name), CAST(NULL AS {{string}}), CAST(NULL AS {{string}}),
    {{sum "nps_responses"}}, CAST(NULL AS {{integer}}), CAST(NULL AS {{integer}}), CAST(NULL AS {{integer}}),
    SUM(nps * nps_responses) / 100, CAST(SUM(CASE WHEN nps IS NOT NULL THEN nps_responses END) AS {{double}})
  FROM {{table "activity"}} WHERE stream = 'chattonic.operators' AND nps_responses IS NOT NULL
  GROUP BY source, account, stream, local_date, resource_id
  UNION ALL
  SELECT source, account, stream, 'csat', local_date, agent_id, MAX(agent_name), scope, MAX(queue),
    COUNT(*), CAST(NULL AS {{integer}}), CAST(NULL AS {{integer}}), CAST(NULL AS {{integer}}),
    CAST({{count "score >= 4"}} AS {{double}}), CAST(COUNT(*) AS {{double}})
  FROM (
    SELECT source, account, stream, local_date, event_id, scope, MAX(agent_id) AS agent_id, MAX(agent_name) AS agent_name, MAX(resource_name) AS queue, MAX(score) AS score
    FROM {{table "events"}} WHERE kind = 'csat' AND score IS NOT NULL
    GROUP BY source, account, stream, local_date, event_id, scope
  ) AS call
  GROUP BY source, account, stream, local_date, agent_id, scope
) AS answers
