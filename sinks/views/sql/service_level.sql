-- grain: one row for each queue and interval of {minutes} minutes in which a call came in, for a variant, a threshold in seconds and a limit of short abandons
-- formula: inbound calls of call centres. T = answered (status incoming) with answer_seconds up to the threshold. strict: T / (answered + abandoned). answered_only: T / answered. abandons_left_out: T / (answered + abandoned after the threshold). abandons_credited: (T + abandoned within the threshold) / (answered + abandoned). short_credited: (T + short abandons) / (answered + abandoned). screen, as Dialpad shows it: T / (inbound - short abandons - missed). An abandoned call is within the threshold by its wait_seconds in calls, and short where it ended less than short_abandon_seconds after its start. Sum numerator and denominator and divide once; without calls it is null.
{{parameters "minutes" "threshold" "short" "variant"}}
SELECT source, account, local_date, interval_start, queue_id, queue, contacts, answered, abandoned, short_abandoned, missed, numerator, denominator,
  numerator / NULLIF(denominator, 0) AS service_level, interval_minutes, threshold_seconds, short_abandon_seconds, ratio AS variant
FROM (
  SELECT source, account, local_date, interval_start, queue_id, queue, contacts, answered, abandoned, short_abandoned, missed, interval_minutes, threshold_seconds, short_abandon_seconds, ratio,
    CASE ratio WHEN 'abandons_credited' THEN in_time + abandoned_in_time WHEN 'short_credited' THEN in_time + short_abandoned ELSE in_time END AS numerator,
    CASE ratio WHEN 'answered_only' THEN answered WHEN 'abandons_left_out' THEN answered + abandoned - abandoned_in_time
      WHEN 'screen' THEN contacts - short_abandoned - missed ELSE answered + abandoned END AS denominator
  FROM (
    SELECT source, account, MIN(local_date) AS local_date, interval_start, queue_id, MAX(queue) AS queue, COUNT(*) AS contacts,
      {{count "status = 'incoming'"}} AS answered, {{count "status = 'abandoned'"}} AS abandoned, {{count "status = 'missed'"}} AS missed,
      {{count "status = 'abandoned' AND duration_seconds < short_abandon_seconds"}} AS short_abandoned,
      {{count "status = 'incoming' AND answer_seconds <= threshold_seconds"}} AS in_time,
      {{count "status = 'abandoned' AND wait_seconds <= threshold_seconds"}} AS abandoned_in_time,
      interval_minutes, threshold_seconds, short_abandon_seconds, ratio
    FROM (
      SELECT c.source, c.account, c.local_date, c.queue_id, c.queue, c.status, c.answer_seconds, c.wait_seconds, c.duration_seconds,
        p.interval_minutes, p.threshold_seconds, p.short_abandon_seconds, p.ratio, {{interval "c.started_at" "c.timezone" "c.local_date" "p.interval_minutes"}} AS interval_start
      FROM {{view "calls"}} AS c CROSS JOIN p
      WHERE c.direction = 'inbound' AND c.queue_id IS NOT NULL
    ) AS c
    GROUP BY source, account, interval_start, queue_id, interval_minutes, threshold_seconds, short_abandon_seconds, ratio
  ) AS counted
) AS level
