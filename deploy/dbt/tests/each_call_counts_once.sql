-- The calls are the entry rows of the events, no more and no fewer.
SELECT COALESCE(c.account, e.account) AS account, c.calls, e.entries
FROM (SELECT source, account, COUNT(*) AS calls FROM {{ ref('windrow', 'calls') }} GROUP BY source, account) AS c
FULL OUTER JOIN (
  SELECT source, account, COUNT(*) AS entries FROM {{ ref('windrow', 'stg_windrow__events') }} WHERE kind = 'call' AND is_entry GROUP BY source, account
) AS e ON e.source = c.source AND e.account = c.account
WHERE COALESCE(c.calls, 0) <> COALESCE(e.entries, 0)
