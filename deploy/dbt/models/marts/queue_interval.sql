{#- Made of sinks/views/sql/queue_interval.sql by its test: change it there. -#}
{{ windrow.parameters(['minutes', 'short']) }}
SELECT source, account, local_date, interval_start, queue_id, queue, contacts, contacts AS offered, answered, abandoned, short_abandoned, missed,
  abandoned / NULLIF(contacts, 0) AS abandon_rate, answer_seconds, answer_count, answer_seconds / NULLIF(answer_count, 0) AS asa_seconds,
  handled, handle_seconds, handle_seconds / NULLIF(handled, 0) AS aht_seconds, interval_minutes, short_abandon_seconds
FROM (
  SELECT source, account, MIN(local_date) AS local_date, interval_start, queue_id, MAX(queue) AS queue, COUNT(*) AS contacts,
    {{ windrow.sum_integer("answered") }} AS answered, {{ windrow.sum_integer("abandoned") }} AS abandoned, {{ windrow.sum_integer("missed") }} AS missed,
    COUNT(CASE WHEN status = 'abandoned' AND duration_seconds < short_abandon_seconds THEN 1 END) AS short_abandoned,
    SUM(answer_seconds) AS answer_seconds, COUNT(answer_seconds) AS answer_count, {{ windrow.sum_integer("handled") }} AS handled, SUM(handle_seconds) AS handle_seconds,
    interval_minutes, short_abandon_seconds
  FROM (
    SELECT c.source, c.account, c.local_date, c.queue_id, c.queue, c.status, c.answered, c.abandoned, c.missed, c.answer_seconds, c.duration_seconds, c.handled, c.handle_seconds,
      p.interval_minutes, p.short_abandon_seconds, {{ windrow.interval_start("c.started_at", "c.timezone", "c.local_date", "p.interval_minutes") }} AS interval_start
    FROM {{ ref('windrow', 'calls') }} AS c CROSS JOIN p
    WHERE c.direction = 'inbound' AND c.queue_id IS NOT NULL
  ) AS c
  GROUP BY source, account, interval_start, queue_id, interval_minutes, short_abandon_seconds
) AS counted
