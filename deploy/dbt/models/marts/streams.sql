{#- Made of sinks/views/sql/streams.sql by its test: change it there. -#}
SELECT COALESCE(r.source, w.source) AS source, COALESCE(r.account, w.account) AS account, COALESCE(r.stream, w.stream) AS stream, r.table_name, r.first_date, r.last_date, r.{{ adapter.quote('rows') }}, r.last_extracted_at, w.watermark
FROM (
  SELECT source, account, stream, 'activity' AS table_name, MIN(local_date) AS first_date, MAX(local_date) AS last_date, COUNT(*) AS {{ adapter.quote('rows') }}, MAX(extracted_at) AS last_extracted_at
  FROM {{ ref('windrow', 'stg_windrow__activity') }} GROUP BY source, account, stream
  UNION ALL
  SELECT source, account, stream, 'events', MIN(local_date), MAX(local_date), COUNT(*), MAX(extracted_at)
  FROM {{ ref('windrow', 'stg_windrow__events') }} GROUP BY source, account, stream
) AS r
FULL OUTER JOIN (SELECT source, account, stream, watermark FROM {{ ref('windrow', 'stg_windrow__watermarks') }}) AS w ON w.source = r.source AND w.account = r.account AND w.stream = r.stream
