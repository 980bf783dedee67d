{#- Made of sinks/views/sql/campaign_channel_day.sql by its test: change it there. -#}
SELECT source, account, local_date, resource_id AS campaign_id, resource_name AS campaign, channel, contacts, interactions_in, interactions_out, answered, missed, abandoned, short_abandoned,
  abandoned / NULLIF(interactions_in, 0) AS abandon_rate, handled, in_service_level, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, queue_seconds
FROM (
  SELECT source, account, local_date, resource_id, MAX(resource_name) AS resource_name, channel,
    {{ windrow.sum_integer("COALESCE(interactions_in + interactions_out, interactions_total, interactions_in, interactions_out)") }} AS contacts,
    {{ windrow.sum_integer("interactions_in") }} AS interactions_in, {{ windrow.sum_integer("interactions_out") }} AS interactions_out, {{ windrow.sum_integer("answered") }} AS answered, {{ windrow.sum_integer("missed") }} AS missed, {{ windrow.sum_integer("abandoned") }} AS abandoned,
    {{ windrow.sum_integer("short_abandoned") }} AS short_abandoned, {{ windrow.sum_integer("handled") }} AS handled, {{ windrow.sum_integer("in_service_level") }} AS in_service_level, SUM(handle_seconds) AS handle_seconds,
    SUM(talk_seconds) AS talk_seconds, SUM(hold_seconds) AS hold_seconds, SUM(wrapup_seconds) AS wrapup_seconds, SUM(queue_seconds) AS queue_seconds
  FROM {{ ref('windrow', 'stg_windrow__activity') }} WHERE stream = 'ucontact.campaigns'
  GROUP BY source, account, local_date, resource_id, channel
) AS day
