-- grain: one row for each agent and local day of a stream that counts agents
-- formula: uContact and Chat-Tonic: sums of the agents' and operators' rows of activity; contacts = interactions in and out (Chat-Tonic: assigned queries), handled = what the source calls handled (Chat-Tonic: resolved). Dialpad: connected legs and direct calls, never calls_stats; contacts = handled. Handle time of an agent is handle_seconds / handled.
SELECT source, account, stream, local_date, resource_id AS agent_id, MAX(resource_name) AS agent_name,
  {{sum "CASE WHEN stream = 'chattonic.operators' THEN assigned ELSE COALESCE(interactions_in + interactions_out, interactions_total, interactions_in, interactions_out) END"}} AS contacts,
  {{sum "answered"}} AS answered, {{sum "COALESCE(handled, resolved)"}} AS handled, {{sum "missed"}} AS missed,
  SUM(handle_seconds) AS handle_seconds, SUM(talk_seconds) AS talk_seconds, SUM(hold_seconds) AS hold_seconds, SUM(wrapup_seconds) AS wrapup_seconds,
  SUM(login_seconds) AS login_seconds, SUM(away_seconds) AS away_seconds, SUM(free_seconds) AS free_seconds
FROM {{table "activity"}}
WHERE stream IN ('ucontact.agents', 'chattonic.operators')
GROUP BY source, account, stream, local_date, resource_id
UNION ALL
SELECT source, account, stream, local_date, agent_id, MAX(agent_name) AS agent_name,
  {{sum "handled"}} AS contacts, {{count "handled = 1 AND status = 'incoming'"}} AS answered, {{sum "handled"}} AS handled, {{count "handled = 0 AND status = 'missed'"}} AS missed,
  SUM(handle_seconds) AS handle_seconds, SUM(CASE WHEN handled = 1 THEN talk_seconds END) AS talk_seconds, SUM(CASE WHEN handled = 1 THEN hold_seconds END) AS hold_seconds,
  SUM(CASE WHEN handled = 1 THEN wrapup_seconds END) AS wrapup_seconds,
  CAST(NULL AS {{double}}) AS login_seconds, CAST(NULL AS {{double}}) AS away_seconds, CAST(NULL AS {{double}}) AS free_seconds
FROM {{view "call_legs"}}
GROUP BY source, account, stream, local_date, agent_id
