-- grain: one row for each stream and local day
-- formula: changed_at = the newest reading that wrote rows of the day, or that took rows of it away: the days that a model has to make anew since it last ran.
SELECT source, account, stream, local_date, MAX(changed_at) AS changed_at
FROM (
  SELECT source, account, stream, local_date, MAX(extracted_at) AS changed_at FROM {{table "activity"}} GROUP BY source, account, stream, local_date
  UNION ALL
  SELECT source, account, stream, local_date, MAX(extracted_at) FROM {{table "events"}} GROUP BY source, account, stream, local_date
  UNION ALL
  SELECT h.source, h.account, h.stream, CAST(day AS DATE), h.read_at
  FROM {{history}} AS h
  LEFT JOIN (
    SELECT source, account, stream, MAX(timezone) AS timezone FROM (
      SELECT source, account, stream, timezone FROM {{table "activity"}} UNION ALL SELECT source, account, stream, timezone FROM {{table "events"}}
    ) AS r GROUP BY source, account, stream
  ) AS z ON z.source = h.source AND z.account = h.account AND z.stream = h.stream
  CROSS JOIN {{days "h.window_start" "h.window_end" "COALESCE(z.timezone, 'UTC')"}}
  WHERE h.kind = 'changed'
) AS c
GROUP BY source, account, stream, local_date
