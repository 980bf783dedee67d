package googlesql

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// short writes $table for a table's full name.
func short(sql string) string {
	for word, name := range map[string]string{
		"activity": "activity", "ledger": "_windrow_ledger", "rejects": "_windrow_rejects", "journal": "_windrow_journal",
		"fence": "_windrow_turn", "runs": "_windrow_runs",
	} {
		sql = strings.ReplaceAll(sql, "$"+word, "`test-project`.`contact_centre`.`"+name+"`")
	}
	return sql
}

// In these tests the bounds that a DELETE on activity needs, and the equalities
// that a correlated EXISTS on the ledger needs.
const (
	days   = "t.`local_date` BETWEEN DATE '2025-09-08' AND DATE '2025-09-09'"
	stream = "l.`source` = t.`source` AND l.`account` = t.`account` AND l.`stream` = t.`stream`"
)

// The analyser is set up so that it refuses what is no GoogleSQL for these
// tables. Each stands beside a statement that differs in the fault alone, which
// must pass: else the refusal might have another cause.
func TestTheAnalyserRefuses(t *testing.T) {
	a, _ := newAnalyser(t)
	for _, tt := range []struct{ name, good, bad, want string }{
		{"a column that is misspelt", "SELECT `seq` FROM $ledger", "SELECT `sek` FROM $ledger", "Unrecognized name: sek"},
		{"a table that is misspelt", "SELECT `seq` FROM $ledger", "SELECT `seq` FROM `test-project`.`contact_centre`.`_windrow_leger`", "Table not found"},
		{"a table of another dataset", "SELECT `seq` FROM $ledger", "SELECT `seq` FROM `test-project`.`other`.`_windrow_ledger`", "Table not found"},
		{"a comparison of two types", "SELECT `seq` FROM $ledger WHERE `seq` = 1", "SELECT `seq` FROM $ledger WHERE `seq` = 'a'", "No matching signature for operator ="},
		{"a time compared with a number", "SELECT `seq` FROM $ledger WHERE `window_start` < TIMESTAMP '2025-09-08'", "SELECT `seq` FROM $ledger WHERE `window_start` < 1", "No matching signature for operator <"},
		{"a value of another type", "INSERT INTO $fence (`batch`) VALUES ('a')", "INSERT INTO $fence (`batch`) VALUES (1)", "cannot be inserted into column"},
		{"a null of another type", "INSERT INTO $fence (`batch`) SELECT CAST(NULL AS STRING)", "INSERT INTO $fence (`batch`) SELECT CAST(NULL AS INT64)", "cannot be inserted into column"},
		{"nulls without a type where one is inferred", "INSERT INTO $fence (`batch`) SELECT x.b FROM (SELECT 'a' AS b UNION ALL SELECT NULL) AS x", "INSERT INTO $fence (`batch`) SELECT x.b FROM (SELECT NULL AS b UNION ALL SELECT NULL) AS x", "cannot be inserted into column"},
		{"a value of another type in an array of structs", "SELECT e.b FROM UNNEST(ARRAY<STRUCT<n INT64, b STRING>>[(1, NULL), (2, 'a')]) AS e",
			"SELECT e.b FROM UNNEST(ARRAY<STRUCT<n INT64, b STRING>>[(1, NULL), ('a', 'a')]) AS e", "does not coerce"},
		{"a value too many", "INSERT INTO $fence (`batch`) VALUES ('a')", "INSERT INTO $fence (`batch`) VALUES ('a', 'b')", "column count"},
		{"a function that is not there", "SELECT COALESCE(`batch`, 'a') FROM $ledger", "SELECT COALESC(`batch`, 'a') FROM $ledger", "Function not found"},
		{"a literal that is no date", "SELECT DATE '2025-09-08'", "SELECT DATE '2025-09-31'", "Invalid DATE literal"},
		{"a literal that does not end", "SELECT 'it\\'s'", "SELECT 'it\\\\'s'", "Syntax error"},
		{"types that BigQuery has not", "SELECT CAST(1 AS INT64)", "SELECT CAST(1 AS INT32)", "Type not found: INT32"},
		{"the keyword QUALIFY as a name", "SELECT 1 AS a", "SELECT 1 AS qualify", "Syntax error"},
		{"a parameter", "SELECT 1 AS a", "SELECT @a AS a", "parameter"},
		{"a column that is not grouped", "SELECT MAX(`seq`) FROM $ledger", "SELECT `source`, MAX(`seq`) FROM $ledger", "neither grouped nor aggregated"},
		{"an order by what DISTINCT has dropped", "SELECT DISTINCT `stream` FROM $ledger ORDER BY `stream`", "SELECT DISTINCT `stream` FROM $ledger ORDER BY `seq`", "not visible"},
		{"a DELETE without WHERE", "DELETE FROM $fence WHERE TRUE", "DELETE FROM $fence", "must have a WHERE clause"},
		{"a second statement that is wrong", "SELECT 1; SELECT 1", "SELECT 1; SELECT x", "Unrecognized name: x"},
		{"a name that two tables have", "SELECT l.`seq` FROM $ledger AS l, $ledger AS m", "SELECT `seq` FROM $ledger AS l, $ledger AS m", "ambiguous"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := a.Analyse(short(tt.good)); err != nil {
				t.Errorf("%s: %v", tt.good, err)
			}
			if _, err := a.Analyse(short(tt.bad)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, not %s", tt.bad, err, tt.want)
			}
		})
	}
}

// The analyser accepts all of these, and BigQuery none of the bad.
func TestTheRulesRefuse(t *testing.T) {
	a, _ := newAnalyser(t)
	const (
		exists   = "DELETE FROM $activity AS t WHERE " + days + " AND EXISTS (SELECT 1 FROM $ledger AS l WHERE " + stream + " AND l.`window_start` < t.`window_end`)"
		noKey    = "DELETE FROM $activity AS t WHERE " + days + " AND EXISTS (SELECT 1 FROM $ledger AS l WHERE l.`window_start` < t.`window_end`)"
		equality = "without an equality of an outer and an inner column"
		pruned   = "without literal bounds on local_date"
	)
	exprIn := func(condition string) string { return "DELETE FROM $activity AS t WHERE " + days + " AND " + condition }
	onLedger := func(condition string) string {
		return exprIn("EXISTS (SELECT 1 FROM $ledger AS l WHERE " + condition + ")")
	}
	for _, tt := range []struct{ name, good, bad, want string }{
		{"EXISTS without an equality", exists, noKey, equality},
		{"NOT EXISTS without an equality", strings.Replace(exists, "EXISTS", "NOT EXISTS", 1), strings.Replace(noKey, "EXISTS", "NOT EXISTS", 1), equality},
		{"an equality with a literal alone", exists, onLedger("l.`source` = 'a' AND l.`window_start` < t.`window_end`"), equality},
		{"an equality under OR", exists, onLedger("(l.`source` = t.`source` OR l.`stream` = t.`stream`)"), equality},
		{"an equality of an expression", exists, onLedger("COALESCE(l.`batch`, 'a') = t.`source`"), equality},
		{"equal or both null", exists, onLedger("l.`source` IS NOT DISTINCT FROM t.`source`"), equality},
		{"EXISTS under OR", exists, exprIn("(t.`source` = 'a' OR EXISTS (SELECT 1 FROM $ledger AS l WHERE " + stream + "))"), "not [NOT] EXISTS at the top"},
		{"a correlated scalar", exists, exprIn("t.`source` = (SELECT MAX(l.`source`) FROM $ledger AS l WHERE l.`account` = t.`account`)"), "not [NOT] EXISTS at the top"},
		{"a correlated IN", exists, exprIn("t.`source` IN (SELECT l.`source` FROM $ledger AS l WHERE l.`account` = t.`account`)"), "not [NOT] EXISTS at the top"},
		{"a correlated value", "SELECT 1 FROM $ledger AS t WHERE EXISTS (SELECT 1 FROM $ledger AS l WHERE " + stream + ")",
			"SELECT EXISTS (SELECT 1 FROM $ledger AS l WHERE " + stream + ") FROM $ledger AS t", "not [NOT] EXISTS at the top"},
		{"EXISTS with LIMIT", exists, onLedger(stream + " LIMIT 1"), "not a plain SELECT"},
		{"EXISTS with an aggregate", exists, exprIn("EXISTS (SELECT MAX(l.`seq`) FROM $ledger AS l WHERE " + stream + ")"), "not a plain SELECT"},
		{"outer columns in a join below", exists, exprIn("EXISTS (SELECT 1 FROM $ledger AS l JOIN $ledger AS m ON l.`seq` = m.`seq` AND m.`source` = t.`source` WHERE " + stream + ")"), "outer columns below its WHERE"},
		{"EXISTS in EXISTS", exists, onLedger(stream + " AND EXISTS (SELECT 1 FROM $ledger AS m WHERE m.`source` = l.`source`)"), "a subquery in a correlated subquery"},
		{"the guard of an INSERT without an equality",
			"INSERT INTO $fence (`batch`) SELECT e.b FROM (SELECT 'a' AS b, 1 AS seen) AS e WHERE NOT EXISTS (SELECT 1 FROM $ledger AS l WHERE l.`source` = e.b AND l.`seq` > e.seen)",
			"INSERT INTO $fence (`batch`) SELECT e.b FROM (SELECT 'a' AS b, 1 AS seen) AS e WHERE NOT EXISTS (SELECT 1 FROM $ledger AS l WHERE l.`seq` > e.seen)", equality},
		{"the guard of an INSERT of structs without an equality",
			"INSERT INTO $fence (`batch`) SELECT e.b FROM UNNEST(ARRAY<STRUCT<b STRING, seen INT64>>[('a', 1)]) AS e WHERE NOT EXISTS (SELECT 1 FROM $ledger AS l WHERE l.`source` = e.b AND l.`seq` > e.seen)",
			"INSERT INTO $fence (`batch`) SELECT e.b FROM UNNEST(ARRAY<STRUCT<b STRING, seen INT64>>[('a', 1)]) AS e WHERE NOT EXISTS (SELECT 1 FROM $ledger AS l WHERE l.`seq` > e.seen)", equality},
		{"an outer join without an equality",
			"SELECT l.`seq` FROM $ledger AS l LEFT JOIN $ledger AS m ON l.`source` = m.`source` AND l.`seq` < m.`seq`",
			"SELECT l.`seq` FROM $ledger AS l LEFT JOIN $ledger AS m ON l.`seq` < m.`seq`", "an outer join without"},
		{"an outer join by a literal",
			"SELECT l.`seq` FROM $ledger AS l LEFT JOIN $ledger AS m ON l.`source` = m.`source` AND m.`source` = 'a'",
			"SELECT l.`seq` FROM $ledger AS l LEFT JOIN $ledger AS m ON m.`source` = 'a'", "an outer join without"},

		{"a DELETE of all partitions", "DELETE FROM $activity AS t WHERE " + days, "DELETE FROM $activity AS t WHERE TRUE", pruned},
		{"a DELETE with one bound", "DELETE FROM $activity AS t WHERE t.`local_date` >= DATE '2025-09-08' AND DATE '2025-09-09' > t.`local_date`",
			"DELETE FROM $activity AS t WHERE t.`local_date` >= DATE '2025-09-08'", pruned},
		{"a bound that is no literal", "DELETE FROM $activity AS t WHERE t.`local_date` = DATE '2025-09-08'", "DELETE FROM $activity AS t WHERE t.`local_date` = (SELECT DATE '2025-09-08')", pruned},
		{"a bound that OR undoes", "DELETE FROM $activity AS t WHERE (" + days + " OR t.`local_date` = DATE '2025-09-10')", "DELETE FROM $activity AS t WHERE (" + days + " OR t.`source` = 'a')", pruned},
		{"a bound of another column", "DELETE FROM $rejects AS t WHERE t.`window_start` BETWEEN TIMESTAMP '2025-09-08' AND TIMESTAMP '2025-09-09'",
			"DELETE FROM $rejects AS t WHERE t.`window_end` BETWEEN TIMESTAMP '2025-09-08' AND TIMESTAMP '2025-09-09'", "without literal bounds on window_start"},
		{"a MERGE of all partitions", "MERGE $activity AS t USING (SELECT 1 AS one) AS s ON " + days + " AND t.`source` = 'a' WHEN MATCHED THEN UPDATE SET `account` = 'b'",
			"MERGE $activity AS t USING (SELECT 1 AS one) AS s ON t.`source` = 'a' WHEN MATCHED THEN UPDATE SET `account` = 'b'", pruned},
		{"a bound that is negated", "DELETE FROM $activity AS t WHERE " + days, "DELETE FROM $activity AS t WHERE NOT (" + days + ")", pruned},
		{"a read of all partitions", "SELECT `text` FROM $journal WHERE `at` > TIMESTAMP '2025-09-08'", "SELECT `text` FROM $journal WHERE `source` = 'a'", "without literal bounds on at"},
		{"a read of all partitions without WHERE", "SELECT `text` FROM $journal WHERE `at` > TIMESTAMP '2025-09-08'", "SELECT `text` FROM $journal", "without literal bounds on at"},
		{"a read of all partitions in an INSERT", "INSERT INTO $fence (`batch`) SELECT `text` FROM $journal WHERE `at` > TIMESTAMP '2025-09-08'", "INSERT INTO $fence (`batch`) SELECT `text` FROM $journal", "without literal bounds on at"},

		{"an INSERT without a required column", "INSERT INTO $runs (`sync_id`, `summary`) VALUES ('a', '{}')", "INSERT INTO $runs (`sync_id`) VALUES ('a')", "without the required column summary"},
		{"an INSERT with a mode", "INSERT INTO $fence (`batch`) VALUES ('a')", "INSERT OR IGNORE INTO $fence (`batch`) VALUES ('a')", "with a mode"},
		{"an INSERT that asserts", "INSERT INTO $fence (`batch`) VALUES ('a')", "INSERT INTO $fence (`batch`) VALUES ('a') ASSERT_ROWS_MODIFIED 1", "AssertRowsModified"},
		{"an INSERT that returns", "INSERT INTO $fence (`batch`) VALUES ('a')", "INSERT INTO $fence (`batch`) VALUES ('a') THEN RETURN `batch`", "ReturningClause"},
		{"UPDATE", "DELETE FROM $fence WHERE TRUE", "UPDATE $fence SET `batch` = 'a' WHERE TRUE", "of kind UpdateStmt"},
		{"a function that nobody has looked up", "SELECT MAX(`seq`) FROM $ledger", "SELECT FARM_FINGERPRINT(`source`) FROM $ledger", "function farm_fingerprint"},
		{"a function that the analyser rewrites", "SELECT MAX(`seq`) FROM $ledger", "SELECT NULLIFZERO(`seq`) FROM $ledger", "function nullifzero"},
		{"DDL in a transaction", "BEGIN TRANSACTION; DELETE FROM $fence WHERE TRUE; COMMIT TRANSACTION", "BEGIN TRANSACTION; CREATE TABLE `test-project`.`contact_centre`.`x` (`a` INT64); COMMIT TRANSACTION", "of kind CreateTableStmt"},
		{"DROP in a transaction", "BEGIN TRANSACTION; DELETE FROM $fence WHERE TRUE; COMMIT TRANSACTION", "BEGIN TRANSACTION; DROP TABLE $fence; COMMIT TRANSACTION", "of kind DropStmt"},
		{"statements beside a transaction", "BEGIN TRANSACTION; DELETE FROM $fence WHERE TRUE; COMMIT TRANSACTION", "BEGIN TRANSACTION; DELETE FROM $fence WHERE TRUE; COMMIT TRANSACTION; SELECT 1", "not one transaction"},
		{"statements without a transaction", "BEGIN TRANSACTION; DELETE FROM $fence WHERE TRUE; COMMIT TRANSACTION", "DELETE FROM $fence WHERE TRUE; DELETE FROM $fence WHERE TRUE", "not one transaction"},
		{"a transaction in a transaction", "BEGIN TRANSACTION; COMMIT TRANSACTION", "BEGIN TRANSACTION; BEGIN TRANSACTION; COMMIT TRANSACTION", "a transaction in a transaction"},
		{"a commit in the middle", "BEGIN TRANSACTION; COMMIT TRANSACTION", "BEGIN TRANSACTION; COMMIT TRANSACTION; COMMIT TRANSACTION", "a commit that is not the end"},
		{"a transaction that nothing ends", "BEGIN TRANSACTION; COMMIT TRANSACTION", "BEGIN TRANSACTION", "nothing ends"},
		{"a query of a megabyte", "SELECT 'a'", "SELECT '" + strings.Repeat("a", maxQuery) + "'", "more than BigQuery takes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := func(sql string) []error {
				sql = short(sql)
				list, err := a.Analyse(sql)
				if err != nil {
					t.Fatalf("the analyser refuses it: %s: %v", abridged(sql), err)
				}
				return a.Check(sql, list)
			}
			for _, err := range check(tt.good) {
				t.Error(err)
			}
			if got := fmt.Sprint(check(tt.bad)); !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s, not %s", abridged(tt.bad), got, tt.want)
			}
		})
	}
}

func TestTheRulesForViewsRefuse(t *testing.T) {
	a, _ := newAnalyser(t)
	for _, tt := range []struct{ name, sql, want string }{
		{"an order", "SELECT `seq` FROM $ledger ORDER BY `seq`", "ORDER BY"},
		{"a column without a name", "SELECT MAX(`seq`) FROM $ledger", "no name of a column"},
		{"a column with a reserved name", "SELECT `seq` AS `_PARTITIONTIME` FROM $ledger", "BigQuery's own"},
		{"a column with a dot", "SELECT `seq` AS `a.b` FROM $ledger", "no name of a column"},
		{"two columns of a name", "SELECT `seq` AS a, `source` AS A FROM $ledger", "two columns"},
		{"two statements", "SELECT 1 AS a; SELECT 1 AS a", "2 statements"},
		{"a change", "DELETE FROM $fence WHERE TRUE", "not a query"},
		{"256 K characters", "SELECT '" + strings.Repeat("a", maxView) + "' AS a", "bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sql := short(tt.sql)
			list, err := a.Analyse(sql)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(CheckView(sql, list)); !strings.Contains(got, tt.want) {
				t.Errorf("%s, not %s", got, tt.want)
			}
		})
	}
}

func TestTheRulesForTablesRefuse(t *testing.T) {
	good := Table{
		Name: "x", Partition: "d", Cluster: []string{"a", "b"},
		Columns: []string{"a STRING REQUIRED", "b INTEGER NULLABLE", "d DATE REQUIRED", "f FLOAT NULLABLE", "r STRING REPEATED"},
	}
	if faults := CheckTable(good); faults != nil {
		t.Fatal(faults)
	}
	for _, tt := range []struct {
		name   string
		change func(*Table)
		want   string
	}{
		{"a reserved prefix", func(t *Table) { t.Columns[0] = "_table_x STRING NULLABLE" }, "BigQuery's own"},
		{"the prefix of changes", func(t *Table) { t.Columns[0] = "_CHANGE_TYPE STRING NULLABLE" }, "BigQuery's own"},
		{"a dot in a name", func(t *Table) { t.Columns[0] = "a.b STRING NULLABLE" }, "no name"},
		{"a digit at the beginning", func(t *Table) { t.Columns[0] = "1a STRING NULLABLE" }, "no name"},
		{"301 characters", func(t *Table) { t.Columns[0] = strings.Repeat("a", 301) + " STRING NULLABLE" }, "no name"},
		{"names that differ by case", func(t *Table) { t.Columns[1] = "A STRING NULLABLE" }, "twice"},
		{"partitions by a string", func(t *Table) { t.Partition = "a" }, "partitioned by a"},
		{"partitions by what is not there", func(t *Table) { t.Partition = "z" }, "partitioned by z"},
		{"five clustering columns", func(t *Table) { t.Cluster = []string{"a", "b", "d", "a", "b"} }, "clustered by 5"},
		{"clusters by a float", func(t *Table) { t.Cluster = []string{"f"} }, "clustered by f"},
		{"clusters by an array", func(t *Table) { t.Cluster = []string{"r"} }, "clustered by r"},
		{"a column without a mode", func(t *Table) { t.Columns[0] = "a STRING" }, "is not a name, a type and a mode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := good
			bad.Columns = slices.Clone(good.Columns)
			tt.change(&bad)
			if got := fmt.Sprint(CheckTable(bad)); !strings.Contains(got, tt.want) {
				t.Errorf("%s, not %s", got, tt.want)
			}
		})
	}
	if _, err := New(Dataset{Project: "p", Dataset: "d", Tables: []Table{{Name: "x", Columns: []string{"a BLOB NULLABLE"}}}}); err == nil {
		t.Error("a column of a type that nobody knows was accepted")
	}
}
