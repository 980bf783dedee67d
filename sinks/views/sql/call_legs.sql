-- grain: one row for each leg that rang for an agent, and for each call that rang for an agent directly
-- formula: events of kind call with an agent. handled = 1 where the leg was connected; handle_seconds = talk + hold + wrap-up of a connected leg, what the source does not say counting as 0. queue is that of the call's entry row. transferred = 1 where the source tags the leg with transferred_to or transferred_out.
SELECT l.source, l.account, l.stream, l.scope, l.local_date, l.timezone, l.event_id AS leg_id, COALESCE(l.entry_id, l.event_id) AS call_id,
  COALESCE(l.is_entry, FALSE) AS is_direct, l.direction, l.channel, l.status, l.tags,
  l.started_at, l.rang_at, l.connected_at, l.ended_at, q.resource_id AS queue_id, q.resource_name AS queue, l.agent_id, l.agent_name,
  CASE WHEN l.connected_at IS NOT NULL THEN 1 ELSE 0 END AS handled,
  CASE WHEN l.connected_at IS NOT NULL THEN COALESCE(l.talk_seconds, 0) + COALESCE(l.hold_seconds, 0) + COALESCE(l.wrapup_seconds, 0) END AS handle_seconds,
  l.talk_seconds, l.hold_seconds, l.wrapup_seconds, l.ring_seconds, {{transferred "l.tags"}} AS transferred
FROM {{table "events"}} AS l
LEFT JOIN (
  SELECT source, account, event_id, MAX(resource_id) AS resource_id, MAX(resource_name) AS resource_name
  FROM {{table "events"}} WHERE kind = 'call' AND is_entry AND resource_type = 'call_center'
  GROUP BY source, account, event_id
) AS q ON q.source = l.source AND q.account = l.account AND q.event_id = COALESCE(l.entry_id, l.event_id)
WHERE l.kind = 'call' AND l.agent_id IS NOT NULL
