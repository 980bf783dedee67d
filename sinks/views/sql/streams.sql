-- grain: one row for each stream that has rows, or a watermark
-- formula: the first and last local day of its rows, their number, and the newest reading; watermark = the end of the unbroken run of settled windows, as the ledger had it when the views were made (BigQuery: as it has it now).
SELECT COALESCE(r.source, w.source) AS source, COALESCE(r.account, w.account) AS account, COALESCE(r.stream, w.stream) AS stream, r.table_name, r.first_date, r.last_date, r.`rows`, r.last_extracted_at, w.watermark
FROM (
  SELECT source, account, stream, 'activity' AS table_name, MIN(local_date) AS first_date, MAX(local_date) AS last_date, COUNT(*) AS `rows`, MAX(extracted_at) AS last_extracted_at
  FROM {{table "activity"}} GROUP BY source, account, stream
  UNION ALL
  SELECT source, account, stream, 'events', MIN(local_date), MAX(local_date), COUNT(*), MAX(extracted_at)
  FROM {{table "events"}} GROUP BY source, account, stream
) AS r
FULL OUTER JOIN {{watermarks}} AS w ON w.source = r.source AND w.account = r.account AND w.stream = r.stream
