{#- Made of sinks/views/sql/call_legs.sql by its test: change it there. -#}
SELECT l.source, l.account, l.stream, l.scope, l.local_date, l.timezone, l.event_id AS leg_id, COALESCE(l.entry_id, l.event_id) AS call_id,
  COALESCE(l.is_entry, FALSE) AS is_direct, l.direction, l.channel, l.status, l.tags,
  l.started_at, l.rang_at, l.connected_at, l.ended_at, q.resource_id AS queue_id, q.resource_name AS queue, l.agent_id, l.agent_name,
  CASE WHEN l.connected_at IS NOT NULL THEN 1 ELSE 0 END AS handled,
  CASE WHEN l.connected_at IS NOT NULL THEN COALESCE(l.talk_seconds, 0) + COALESCE(l.hold_seconds, 0) + COALESCE(l.wrapup_seconds, 0) END AS handle_seconds,
  l.talk_seconds, l.hold_seconds, l.wrapup_seconds, l.ring_seconds, {{ windrow.transferred("l.tags", "'transferred_to', 'transferred_out'") }} AS transferred
FROM {{ ref('windrow', 'stg_windrow__events') }} AS l
LEFT JOIN (
  SELECT source, account, event_id, MAX(resource_id) AS resource_id, MAX(resource_name) AS resource_name
  FROM {{ ref('windrow', 'stg_windrow__events') }} WHERE kind = 'call' AND is_entry AND resource_type = 'call_center'
  GROUP BY source, account, event_id
) AS q ON q.source = l.source AND q.account = l.account AND q.event_id = COALESCE(l.entry_id, l.event_id)
WHERE l.kind = 'call' AND l.agent_id IS NOT NULL
