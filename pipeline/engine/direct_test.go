package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// manyRows are so many rows of a day that a batch of them is staged without a buffer.
const manyRows = 3000

// rowsOf are the rows from..to of a day, each with an id of its own.
func rowsOf(day, from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		at := time.Date(2025, 9, day, 0, 0, n, 0, time.UTC)
		fmt.Fprintf(&b, "%s %d-%d\n", at.Format(time.RFC3339), day, n)
	}
	return b.String()
}

func TestPromise05_ManyRowsInOneBatchAreAllThereOnce(t *testing.T) {
	for _, c := range []struct {
		says            string
		one, two        string
		rows, duplicate int64
	}{
		{"they stand together", rowsOf(8, 0, manyRows), "", manyRows, 0},
		{"rows of another day stand between them", rowsOf(8, 0, 2500) + rowsOf(9, 0, 1) + rowsOf(8, 2500, 5000), "", 5001, 0},
		{"rows of another day stand around them", rowsOf(7, 0, 1) + rowsOf(8, 0, manyRows) + rowsOf(9, 0, 1), "", manyRows + 2, 0},
		{"an earlier target has brought all of them", rowsOf(8, 0, manyRows), rowsOf(8, 0, manyRows), manyRows, manyRows},
		{"an earlier target has brought some of them", rowsOf(8, 0, 10), rowsOf(8, 0, manyRows), manyRows, 10},
		{"an earlier target has brought the last of them", rowsOf(8, manyRows-1, manyRows), rowsOf(8, 0, manyRows), manyRows, 1},
		{"an earlier target has brought none of them", rowsOf(8, 0, manyRows), rowsOf(8, manyRows, 2*manyRows), 2 * manyRows, 0},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newScripted(said(map[string]string{"one": c.one, "two": c.two}), "one", "two")
			e, store := newEngine(t, s)
			if sum := mustSync(t, e); sum.Rows != c.rows || sum.Duplicate != c.duplicate || sum.Read != c.rows+c.duplicate {
				t.Errorf("%+v, want %d rows and %d duplicates", sum, c.rows, c.duplicate)
			}
			times := make(map[string]int)
			for _, row := range store.Rows(s.key) {
				times[row["event_id"]]++
			}
			if int64(len(times)) != c.rows {
				t.Errorf("the table holds %d different rows, want %d", len(times), c.rows)
			}
			for id, n := range times {
				if n != 1 {
					t.Fatalf("row %s stands %d times", id, n)
				}
			}
		})
	}
}
