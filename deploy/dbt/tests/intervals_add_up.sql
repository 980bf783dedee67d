-- However long the intervals are, a queue's day has the same calls, answers and calls in time.
SELECT source, account, queue_id, local_date, variant, threshold_seconds
FROM (
  SELECT source, account, queue_id, local_date, variant, threshold_seconds, interval_minutes,
    SUM(contacts) AS contacts, SUM(numerator) AS numerator, SUM(denominator) AS denominator
  FROM {{ ref('windrow', 'service_level') }}
  GROUP BY source, account, queue_id, local_date, variant, threshold_seconds, interval_minutes
) AS lengths
GROUP BY source, account, queue_id, local_date, variant, threshold_seconds
HAVING MIN(contacts) <> MAX(contacts) OR MIN(numerator) <> MAX(numerator) OR MIN(denominator) <> MAX(denominator)
