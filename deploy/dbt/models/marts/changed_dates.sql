{#- Made of sinks/views/sql/changed_dates.sql by its test: change it there. -#}
SELECT source, account, stream, local_date, MAX(changed_at) AS changed_at
FROM (
  SELECT source, account, stream, local_date, MAX(extracted_at) AS changed_at FROM {{ ref('windrow', 'stg_windrow__activity') }} GROUP BY source, account, stream, local_date
  UNION ALL
  SELECT source, account, stream, local_date, MAX(extracted_at) FROM {{ ref('windrow', 'stg_windrow__events') }} GROUP BY source, account, stream, local_date
  UNION ALL
  SELECT h.source, h.account, h.stream, CAST(day AS DATE), h.read_at
  FROM {{ ref('windrow', 'stg_windrow__history') }} AS h
  LEFT JOIN (
    SELECT source, account, stream, MAX(timezone) AS timezone FROM (
      SELECT source, account, stream, timezone FROM {{ ref('windrow', 'stg_windrow__activity') }} UNION ALL SELECT source, account, stream, timezone FROM {{ ref('windrow', 'stg_windrow__events') }}
    ) AS r GROUP BY source, account, stream
  ) AS z ON z.source = h.source AND z.account = h.account AND z.stream = h.stream
  CROSS JOIN {{ windrow.days("h.window_start", "h.window_end", "COALESCE(z.timezone, 'UTC')") }}
  WHERE h.kind = 'changed'
) AS c
GROUP BY source, account, stream, local_date
