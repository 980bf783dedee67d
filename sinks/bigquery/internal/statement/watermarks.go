package statement

import "fmt"

// Watermarks is the query of the view. For each stream: the end of the unbroken run of settled or waived windows from
// the stream's first day on, as [pipeline.Ledger] folds the log. The first day is the last entry of kind first, else the
// origin.
//
// The log's order is that of ReadLedger. A commit counts (live) unless an older entry of a newer reading of any part of its
// window stands (void), and until a commit of an overlapping window that is not older. It is in doubt while a reopening or
// a begin overlaps it that no such commit has followed. A waiver counts for those pieces of it that no commit covered when
// it was written, and until a commit or a reopening covers them.
//
// As in [pipeline.Ledger.Trusted], a commit settles nothing that is dated in the future or, by more than an hour, later
// than readings that began later: a machine whose clock was ahead wrote it.
func (d Dataset) Watermarks() string {
	ledger := d.table(LedgerTable)
	same := func(a, b string) string {
		return fmt.Sprintf("%[1]s.`source` = %[2]s.`source` AND %[1]s.`account` = %[2]s.`account` AND %[1]s.`stream` = %[2]s.`stream`", a, b)
	}
	overlaps := func(a, b string) string {
		return fmt.Sprintf("%[1]s.`window_start` < %[2]s.`window_end` AND %[1]s.`window_end` > %[2]s.`window_start`", a, b)
	}
	newer := func(a, b string) string { // a's reading than b's
		return fmt.Sprintf("(%[1]s.`turn` > %[2]s.`turn` OR (%[1]s.`turn` = %[2]s.`turn` AND %[1]s.`read_at` > %[2]s.`read_at`))", a, b)
	}
	// until is the query of entries with the place of the commit that ends them, if there is one.
	until := func(kinds, by string) string {
		return "  SELECT c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`, MIN(x.`place`) AS `until`\n" +
			"  FROM log AS c LEFT JOIN " + by + " AS x ON " + same("x", "c") + " AND x.`kind` = 'commit' AND x.`place` > c.`place`\n" +
			"    AND " + overlaps("x", "c") + " AND NOT " + newer("c", "x") + "\n" +
			"  WHERE c.`kind` IN (" + kinds + ")\n" +
			"  GROUP BY c.`source`, c.`account`, c.`stream`, c.`place`, c.`window_start`, c.`window_end`, c.`turn`, c.`read_at`, c.`past`, c.`settled`\n"
	}
	stands := func(c, at string) string { // at a place in the log
		return fmt.Sprintf("%[1]s.`place` < %[2]s AND (%[1]s.`until` IS NULL OR %[1]s.`until` > %[2]s)", c, at)
	}
	cut := func(edge string) string {
		return "  UNION ALL SELECT w.`source`, w.`account`, w.`stream`, w.`place`, w.`window_end`, c.`" + edge + "` AS `edge` FROM log AS w\n" +
			"    JOIN log AS c ON " + same("c", "w") + " AND c.`kind` IN ('commit', 'reopen', 'begin') AND c.`" + edge + "` > w.`window_start` AND c.`" + edge + "` < w.`window_end`\n" +
			"    WHERE w.`kind` = 'waive'\n"
	}
	past := func(name string) string {
		return "COALESCE(" + column(name) + " <= TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 5 MINUTE), TRUE)"
	}
	return "WITH log AS (\n" +
		"  SELECT `source`, `account`, `stream`, `kind`, `window_start`, `window_end`, `settled`, COALESCE(`read_at`, TIMESTAMP_MICROS(0)) AS `read_at`,\n" +
		"    " + past("read_at") + " AND " + past("extracted_at") + " AND " + past("committed_at") + " AS `past`,\n" +
		"    COALESCE(SAFE_CAST(JSON_VALUE(`entry`, '$.order') AS INT64), 0) AS `turn`,\n" +
		"    ROW_NUMBER() OVER (PARTITION BY `source`, `account`, `stream` ORDER BY `seq`, `recorded_at`, `entry`) AS `place`\n" +
		"  FROM " + ledger + " WHERE `kind` IN ('origin', 'first', 'commit', 'waive', 'reopen', 'begin')\n" +
		"), lasts AS (\n" +
		"  SELECT `source`, `account`, `stream`, MAX(`place`) AS `place` FROM log WHERE `kind` = 'first' GROUP BY `source`, `account`, `stream`\n" +
		"), firsts AS (\n" +
		"  SELECT f.`source`, f.`account`, f.`stream`, f.`window_start` AS `first_day` FROM log AS f JOIN lasts AS l ON " + same("l", "f") + " AND l.`place` = f.`place`\n" +
		"), origins AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `origin` FROM log WHERE `kind` = 'origin' GROUP BY `source`, `account`, `stream`\n" +
		"), days AS (\n" +
		"  SELECT o.`source`, o.`account`, o.`stream`, COALESCE(f.`first_day`, o.`origin`) AS `first_day` FROM origins AS o LEFT JOIN firsts AS f ON " + same("f", "o") + "\n" +
		"), read AS (\n" + until("'commit'", "log") +
		"), commits AS (\n" +
		"  SELECT c.*, 'commit' AS `kind` FROM read AS c WHERE NOT EXISTS (SELECT 1 FROM read AS v WHERE " + same("v", "c") + " AND " + stands("v", "c.`place`") + "\n" +
		"    AND " + overlaps("v", "c") + " AND " + newer("v", "c") + ")\n" +
		"), doubts AS (\n" + until("'reopen', 'begin'", "commits") +
		"), live AS (\n" +
		"  SELECT c.* FROM commits AS c WHERE c.`until` IS NULL\n" +
		"), turns AS (\n" +
		"  SELECT `source`, `account`, `stream`, `turn`, MIN(`read_at`) AS `began` FROM live GROUP BY `source`, `account`, `stream`, `turn`\n" +
		"), settled AS (\n" +
		"  SELECT c.`source`, c.`account`, c.`stream`, c.`window_start`, c.`window_end` FROM live AS c\n" +
		"  JOIN turns AS t ON " + same("t", "c") + " AND t.`turn` = c.`turn`\n" +
		"  WHERE c.`settled` AND c.`past`\n" +
		"  AND NOT EXISTS (SELECT 1 FROM turns AS l WHERE " + same("l", "t") + " AND l.`turn` > t.`turn` AND t.`began` > TIMESTAMP_ADD(l.`began`, INTERVAL 1 HOUR))\n" +
		"  AND NOT EXISTS (SELECT 1 FROM doubts AS r WHERE " + same("r", "c") + " AND r.`until` IS NULL AND " + overlaps("r", "c") + ")\n" +
		"), edges AS (\n" +
		"  SELECT `source`, `account`, `stream`, `place`, `window_end`, `window_start` AS `edge` FROM log WHERE `kind` = 'waive'\n" +
		cut("window_start") + cut("window_end") +
		"), pieces AS (\n" +
		"  SELECT `source`, `account`, `stream`, `place`, `edge` AS `window_start`, LEAD(`edge`, 1, `window_end`) OVER (PARTITION BY `source`, `account`, `stream`, `place`, `window_end` ORDER BY `edge`) AS `window_end` FROM edges\n" +
		"), held AS (\n" + // by a commit whose content is known
		"  SELECT p.`source`, p.`account`, p.`stream`, p.`place`, p.`window_start` FROM pieces AS p JOIN commits AS c ON " + same("c", "p") + " AND " + stands("c", "p.`place`") + " AND " + overlaps("c", "p") + "\n" +
		"  LEFT JOIN doubts AS r ON " + same("r", "p") + " AND " + stands("r", "p.`place`") + " AND " + overlaps("r", "c") + " WHERE r.`place` IS NULL\n" +
		"), waived AS (\n" +
		"  SELECT p.`source`, p.`account`, p.`stream`, p.`window_start`, p.`window_end` FROM pieces AS p WHERE p.`window_start` < p.`window_end`\n" +
		"  AND NOT EXISTS (SELECT 1 FROM commits AS c WHERE " + same("c", "p") + " AND c.`place` > p.`place` AND " + overlaps("c", "p") + ")\n" +
		"  AND NOT EXISTS (SELECT 1 FROM doubts AS r WHERE " + same("r", "p") + " AND r.`place` > p.`place` AND " + overlaps("r", "p") + ")\n" +
		"  AND NOT EXISTS (SELECT 1 FROM held AS h WHERE " + same("h", "p") + " AND h.`place` = p.`place` AND h.`window_start` = p.`window_start`)\n" +
		"), covered AS (\n" +
		"  SELECT * FROM settled UNION ALL SELECT * FROM waived\n" +
		"), ordered AS (\n" +
		"  SELECT v.*, f.`first_day`, MAX(v.`window_end`) OVER (PARTITION BY v.`source`, v.`account`, v.`stream` ORDER BY v.`window_start`, v.`window_end`\n" +
		"    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS `reached`\n" +
		"  FROM covered AS v JOIN days AS f ON " + same("f", "v") + "\n" +
		"  WHERE v.`window_end` > f.`first_day`\n" +
		"), holes AS (\n" +
		"  SELECT `source`, `account`, `stream`, MIN(`window_start`) AS `hole` FROM ordered\n" +
		"  WHERE `window_start` > COALESCE(`reached`, `first_day`) GROUP BY `source`, `account`, `stream`\n" +
		")\n" +
		"SELECT f.`source`, f.`account`, f.`stream`, f.`first_day`,\n" +
		"  MAX(CASE WHEN h.`hole` IS NULL OR v.`window_start` < h.`hole` THEN v.`window_end` END) AS `watermark`\n" +
		"FROM days AS f\n" +
		"LEFT JOIN ordered AS v ON " + same("v", "f") + "\n" +
		"LEFT JOIN holes AS h ON " + same("h", "f") + "\n" +
		"GROUP BY f.`source`, f.`account`, f.`stream`, f.`first_day`"
}
