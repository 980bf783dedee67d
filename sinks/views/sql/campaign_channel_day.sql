-- grain: one row for each uContact campaign, channel and local day
-- formula: sums of the campaigns' rows of activity; contacts = interactions in and out. A contact that was transferred counts for each of its campaigns, so campaigns are not added to agents. abandon_rate = abandoned / interactions_in.
SELECT source, account, local_date, resource_id AS campaign_id, resource_name AS campaign, channel, contacts, interactions_in, interactions_out, answered, missed, abandoned, short_abandoned,
  abandoned / NULLIF(interactions_in, 0) AS abandon_rate, handled, in_service_level, handle_seconds, talk_seconds, hold_seconds, wrapup_seconds, queue_seconds
FROM (
  SELECT source, account, local_date, resource_id, MAX(resource_name) AS resource_name, channel,
    {{sum "COALESCE(interactions_in + interactions_out, interactions_total, interactions_in, interactions_out)"}} AS contacts,
    {{sum "interactions_in"}} AS interactions_in, {{sum "interactions_out"}} AS interactions_out, {{sum "answered"}} AS answered, {{sum "missed"}} AS missed, {{sum "abandoned"}} AS abandoned,
    {{sum "short_abandoned"}} AS short_abandoned, {{sum "handled"}} AS handled, {{sum "in_service_level"}} AS in_service_level, SUM(handle_seconds) AS handle_seconds,
    SUM(talk_seconds) AS talk_seconds, SUM(hold_seconds) AS hold_seconds, SUM(wrapup_seconds) AS wrapup_seconds, SUM(queue_seconds) AS queue_seconds
  FROM {{table "activity"}} WHERE stream = 'ucontact.campaigns'
  GROUP BY source, account, local_date, resource_id, channel
) AS day
