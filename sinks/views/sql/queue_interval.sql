-- grain: one row for each queue and interval of {minutes} minutes in which a call came in
-- formula: inbound calls of call centres. contacts = offered = calls that came in; abandon_rate = abandoned / offered; short_abandoned are those of the abandoned that ended less than short_abandon_seconds after their start; asa_seconds, the mean speed of answer, = answer_seconds / answer_count, over the calls whose wait the source tells; aht_seconds = handle_seconds / handled, over the connected legs of these calls. Sum the parts and divide once.
{{parameters "minutes" "short"}}
SELECT source, account, local_date, interval_start, queue_id, queue, contacts, contacts AS offered, answered, abandoned, short_abandoned, missed,
  abandoned / NULLIF(contacts, 0) AS abandon_rate, answer_seconds, answer_count, answer_seconds / NULLIF(answer_count, 0) AS asa_seconds,
  handled, handle_seconds, handle_seconds / NULLIF(handled, 0) AS aht_seconds, interval_minutes, short_abandon_seconds
FROM (
  SELECT source, account, MIN(local_date) AS local_date, interval_start, queue_id, MAX(queue) AS queue, COUNT(*) AS contacts,
    {{sum "answered"}} AS answered, {{sum "abandoned"}} AS abandoned, {{sum "missed"}} AS missed,
    {{count "status = 'abandoned' AND duration_seconds < short_abandon_seconds"}} AS short_abandoned,
    SUM(answer_seconds) AS answer_seconds, COUNT(answer_seconds) AS answer_count, {{sum "handled"}} AS handled, SUM(handle_seconds) AS handle_seconds,
    interval_minutes, short_abandon_seconds
  FROM (
    SELECT c.source, c.account, c.local_date, c.queue_id, c.queue, c.status, c.answered, c.abandoned, c.missed, c.answer_seconds, c.duration_seconds, c.handled, c.handle_seconds,
      p.interval_minutes, p.short_abandon_seconds, {{interval "c.started_at" "c.timezone" "c.local_date" "p.interval_minutes"}} AS interval_start
    FROM {{view "calls"}} AS c CROSS JOIN p
    WHERE c.direction = 'inbound' AND c.queue_id IS NOT NULL
  ) AS c
  GROUP BY source, account, interval_start, queue_id, interval_minutes, short_abandon_seconds
) AS counted
