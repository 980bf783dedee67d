{#- Made of sinks/views/sql/calls.sql by its test: change it there. -#}
SELECT e.source, e.account, e.stream, e.scope, e.local_date, e.timezone, e.event_id AS call_id, e.direction, e.channel, e.status, e.tags,
  e.started_at, e.queued_at, e.first_rang_at, e.rang_at, e.connected_at, e.ended_at,
  CASE WHEN e.resource_type = 'call_center' THEN e.resource_id END AS queue_id,
  CASE WHEN e.resource_type = 'call_center' THEN e.resource_name END AS queue,
  COALESCE(e.agent_id, a.agent_id) AS agent_id, COALESCE(e.agent_name, a.agent_name) AS agent_name, e.customer_address, e.internal_address,
  CASE WHEN e.status = 'incoming' THEN 1 ELSE 0 END AS answered,
  CASE WHEN e.status = 'abandoned' THEN 1 ELSE 0 END AS abandoned,
  CASE WHEN e.status = 'abandoned' AND {{ windrow.seconds("e.started_at", "e.ended_at") }} < {{ var('windrow_short_abandon_seconds') }} THEN 1 ELSE 0 END AS short_abandoned,
  CASE WHEN e.status = 'missed' THEN 1 ELSE 0 END AS missed,
  e.answer_seconds,
  CASE WHEN e.status IN ('abandoned', 'missed', 'cancelled') THEN {{ windrow.seconds("COALESCE(CASE WHEN e.queued_at <= e.first_rang_at THEN e.queued_at END, CASE WHEN e.first_rang_at < e.queued_at THEN e.first_rang_at END, e.queued_at, e.first_rang_at, e.started_at)", "e.ended_at") }} END AS wait_seconds,
  {{ windrow.seconds("e.started_at", "e.ended_at") }} AS duration_seconds, e.queue_seconds, e.ring_seconds,
  COALESCE(s.handled, 0) AS handled, s.handle_seconds, CAST({{ var('windrow_short_abandon_seconds') }} AS {{ windrow.type_double() }}) AS short_abandon_seconds,
  CASE WHEN s.transferred = 1 THEN 1 ELSE {{ windrow.transferred("e.tags", "'transferred_to', 'transferred_out'") }} END AS transferred
FROM {{ ref('windrow', 'stg_windrow__events') }} AS e
LEFT JOIN (
  SELECT source, account, call_id, {{ windrow.sum_integer("handled") }} AS handled, SUM(handle_seconds) AS handle_seconds, MAX(transferred) AS transferred
  FROM {{ ref('windrow', 'call_legs') }} GROUP BY source, account, call_id
) AS s ON s.source = e.source AND s.account = e.account AND s.call_id = e.event_id
LEFT JOIN (
  SELECT source, account, call_id, agent_id, agent_name,
    ROW_NUMBER() OVER (PARTITION BY source, account, call_id ORDER BY CASE WHEN connected_at IS NULL THEN 1 ELSE 0 END, connected_at, started_at, leg_id) AS place
  FROM {{ ref('windrow', 'call_legs') }}
) AS a ON a.source = e.source AND a.account = e.account AND a.call_id = e.event_id AND a.place = 1
WHERE e.kind = 'call' AND e.is_entry
