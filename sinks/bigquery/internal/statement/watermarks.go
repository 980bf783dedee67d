package statement

// Watermarks is the query of the view. For each stream: the end of the unbroken run of settled or waived windows from
// the stream's first day on. The first day is the last entry of kind first in the order of the log, else the origin. A
// window counts by its last commit, until a commit of a window that overlaps it, or until it is reopened. A commit that is
// dated in the future settles nothing, as in [pipeline.Ledger.Trusted]: a machine whose clock was ahead wrote it. That a commit
// is dated later than readings that began later the view does not see, for the order stands in the entry's JSON alone.
func (d Dataset) Watermarks() string {
	ledger := d.table(LedgerTable)
	ahead := ""
	for _, name := range []string{"read_at", "extracted_at", "committed_at"} {
		ahead += " AND COALESCE(c." + column(name) + " <= TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 5 MINUTE), TRUE)"
	}
	return "WITH origins AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `origin` FROM " + ledger + " WHERE `kind` = 'origin' GROUP BY `source`, `account`, `stream`\n" +
		"), firsts AS (\n" +
		"  SELECT f.`source`, f.`account`, f.`stream`, MAX(f.`window_start`) AS `first_day` FROM " + ledger + " AS f\n" +
		"  WHERE f.`kind` = 'first'\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS g WHERE g.`source` = f.`source` AND g.`account` = f.`account` AND g.`stream` = f.`stream`\n" +
		"    AND g.`kind` = 'first' AND (g.`seq` > f.`seq` OR (g.`seq` = f.`seq` AND g.`recorded_at` > f.`recorded_at`)))\n" +
		"  GROUP BY f.`source`, f.`account`, f.`stream`\n" +
		"), days AS (\n" +
		"  SELECT o.`source`, o.`account`, o.`stream`, COALESCE(f.`first_day`, o.`origin`) AS `first_day` FROM origins AS o\n" +
		"  LEFT JOIN firsts AS f ON f.`source` = o.`source` AND f.`account` = o.`account` AND f.`stream` = o.`stream`\n" +
		"), covered AS (\n" +
		"  SELECT c.`source`, c.`account`, c.`stream`, c.`window_start`, c.`window_end` FROM " + ledger + " AS c\n" +
		"  WHERE ((c.`kind` = 'commit' AND c.`settled`" + ahead + ") OR c.`kind` = 'waive')\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS d WHERE d.`source` = c.`source` AND d.`account` = c.`account` AND d.`stream` = c.`stream`\n" +
		"    AND d.`kind` = 'commit' AND d.`seq` > c.`seq` AND d.`window_start` < c.`window_end` AND d.`window_end` > c.`window_start`)\n" +
		"  AND NOT EXISTS (SELECT 1 FROM " + ledger + " AS r WHERE r.`source` = c.`source` AND r.`account` = c.`account` AND r.`stream` = c.`stream`\n" +
		"    AND r.`kind` = 'reopen' AND r.`seq` > c.`seq` AND r.`window_start` = c.`window_start` AND r.`window_end` = c.`window_end`)\n" +
		"), ordered AS (\n" +
		"  SELECT v.*, f.`first_day`, MAX(v.`window_end`) OVER (PARTITION BY v.`source`, v.`account`, v.`stream` ORDER BY v.`window_start`, v.`window_end`\n" +
		"    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `reached`\n" +
		"  FROM covered AS v JOIN days AS f ON f.`source` = v.`source` AND f.`account` = v.`account` AND f.`stream` = v.`stream`\n" +
		"  WHERE v.`window_end` > f.`first_day`\n" +
		"), holes AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `hole` FROM ordered\n" +
		"  WHERE `window_start` > COALESCE(`reached`, `first_day`) GROUP BY `source`, `account`, `stream`\n" +
		")\n" +
		"SELECT f.`source`, f.`account`, f.`stream`, f.`first_day`,\n" +
		"  MAX(CASE WHEN h.`hole` IS NULL OR v.`window_start` < h.`hole` THEN v.`window_end` END) AS `watermark`\n" +
		"FROM days AS f\n" +
		"LEFT JOIN ordered AS v ON v.`source` = f.`source` AND v.`account` = f.`account` AND v.`stream` = f.`stream`\n" +
		"LEFT JOIN holes AS h ON h.`source` = f.`source` AND h.`account` = f.`account` AND h.`stream` = f.`stream`\n" +
		"GROUP BY f.`source`, f.`account`, f.`stream`, f.`first_day`"
}
