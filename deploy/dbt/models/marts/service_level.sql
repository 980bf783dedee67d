{#- Made of sinks/views/sql/service_level.sql by its test: change it there. -#}
{{ windrow.parameters(['minutes', 'threshold', 'short', 'variant']) }}
SELECT source, account, local_date, interval_start, queue_id, queue, contacts, answered, abandoned, short_abandoned, missed, numerator, denominator,
  numerator / NULLIF(denominator, 0) AS service_level, interval_minutes, threshold_seconds, short_abandon_seconds, ratio AS variant
FROM (
  SELECT source, account, local_date, interval_start, queue_id, queue, contacts, answered, abandoned, short_abandoned, missed, interval_minutes, threshold_seconds, short_abandon_seconds, ratio,
    CASE ratio WHEN 'abandons_credited' THEN in_time + abandoned_in_time WHEN 'short_credited' THEN in_time + short_abandoned ELSE in_time END AS numerator,
    CASE ratio WHEN 'answered_only' THEN answered WHEN 'abandons_left_out' THEN answered + abandoned - abandoned_in_time
      WHEN 'screen' THEN contacts - short_abandoned - missed ELSE answered + abandoned END AS denominator
  FROM (
    SELECT source, account, MIN(local_date) AS local_date, interval_start, queue_id, MAX(queue) AS queue, COUNT(*) AS contacts,
      COUNT(CASE WHEN status = 'incoming' THEN 1 END) AS answered, COUNT(CASE WHEN status = 'abandoned' THEN 1 END) AS abandoned, COUNT(CASE WHEN status = 'missed' THEN 1 END) AS missed,
      COUNT(CASE WHEN status = 'abandoned' AND duration_seconds < short_abandon_seconds THEN 1 END) AS short_abandoned,
      COUNT(CASE WHEN status = 'incoming' AND answer_seconds <= threshold_seconds THEN 1 END) AS in_time,
      COUNT(CASE WHEN status = 'abandoned' AND wait_seconds <= threshold_seconds THEN 1 END) AS abandoned_in_time,
      interval_minutes, threshold_seconds, short_abandon_seconds, ratio
    FROM (
      SELECT c.source, c.account, c.local_date, c.queue_id, c.queue, c.status, c.answer_seconds, c.wait_seconds, c.duration_seconds,
        p.interval_minutes, p.threshold_seconds, p.short_abandon_seconds, p.ratio, {{ windrow.interval_start("c.started_at", "c.timezone", "c.local_date", "p.interval_minutes") }} AS interval_start
      FROM {{ ref('windrow', 'calls') }} AS c CROSS JOIN p
      WHERE c.direction = 'inbound' AND c.queue_id IS NOT NULL
    ) AS c
    GROUP BY source, account, interval_start, queue_id, interval_minutes, threshold_seconds, short_abandon_seconds, ratio
  ) AS counted
) AS level
