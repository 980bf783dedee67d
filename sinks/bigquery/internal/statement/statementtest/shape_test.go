package statementtest

import (
	"slices"
	"testing"
)

func TestShapesTellStatementsApart(t *testing.T) {
	const insert = "INSERT INTO `p`.`d`.`x` (`a`, `b`) "
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"other values", "SELECT 1, 'a', TRUE, DATE '2025-09-08'", "SELECT 23, 'b\\'', FALSE, DATE '2025-09-09'", true},
		{"a null of the same type", "SELECT TIMESTAMP '2025-09-08 06:00:00'", "SELECT CAST(NULL AS TIMESTAMP)", true},
		{"a null of another type", "SELECT 'a'", "SELECT CAST(NULL AS TIMESTAMP)", false},
		{"a value of another type", "SELECT 'a'", "SELECT 1", false},
		{"a longer set", "SELECT 1 WHERE `a` IN ('a')", "SELECT 1 WHERE `a` IN ('a', 'b', 'c')", true},
		{"more ranges", "SELECT 1 WHERE (`a` BETWEEN 1 AND 2)", "SELECT 1 WHERE (`a` BETWEEN 1 AND 2 OR `a` BETWEEN 4 AND 5)", true},
		{"more selected rows", "SELECT 1 AS `a`", "SELECT 1 AS `a` UNION ALL SELECT 2 AS `a`", true},
		{"more rows of values", insert + "VALUES (1, 'a')", insert + "VALUES (1, 'a'), (2, 'b')", true},
		{"more structs in an array", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 'a')])", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(-1, NULL), (2, 'a')])", true},
		{"a struct with a value of another type", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 'a')])", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 1)])", false},
		{"an untyped null", "SELECT NULL", "SELECT 'a'", false},
		{"one condition more", "SELECT 1 WHERE `a` = 1 AND `b` = 1", "SELECT 1 WHERE `a` = 1 AND `b` = 1 OR `b` = 1", false},
		{"more values in a row", insert + "VALUES (1, 1)", insert + "VALUES (1, 1, 1)", false},
		{"more selected values", "SELECT 1", "SELECT 1, 1", false},
		{"another column", "SELECT `a`", "SELECT `b`", false},
		{"another table", "SELECT `a` FROM `x`", "SELECT `a` FROM `y`", false},
		{"another staging table", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567`", "SELECT 1 FROM `_windrow_stage_76543210fedcba9876543210`", true},
		{"a staging table of rejects", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567`", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567_rejects`", false},
		{"another condition", "SELECT 1 WHERE `a` < 1", "SELECT 1 WHERE `a` <= 1", false},
		{"a comment", "-- a\nSELECT 1;", "SELECT 1", true},
		{"one more statement", "SELECT 1", "SELECT 1; SELECT 1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, errA := Shapes(tt.a)
			b, errB := Shapes(tt.b)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if slices.Equal(a, b) != tt.same {
				t.Errorf("%q\n%q\nsame: %v", a, b, !tt.same)
			}
		})
	}
	for _, bad := range []string{"SELECT 'a", "SELECT (1", "SELECT 1)", "SELECT [1)", "SELECT `a", "SELECT @p", "SELECT \"a\""} {
		if got, err := Shapes(bad); err == nil {
			t.Errorf("%s has the shape %q", bad, got)
		}
	}
}
