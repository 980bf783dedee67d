package pushledger

import (
	"slices"
	"testing"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline/push"
)

// Where BigQuery fails in the middle of an answer and is asked again, no change comes twice.
func TestWhatIsReadAgainIsHandedOverOnce(t *testing.T) {
	const log, key = "l", "{}"
	row := func(position, item, items int64, batch string) []bigquery.Value {
		text := `{"state":"sent","batch":"` + batch + `","at":"2026-11-26T18:00:00Z"}`
		return []bigquery.Value{position, item, items, int64(1), key, text, proofOf(log, key, text, position, item)}
	}
	rows := [][]bigquery.Value{row(4, 1, 2, "a"), row(4, 2, 2, "b"), row(5, 1, 1, "c")}
	var got []string
	r := reading{log: log, key: key, position: 3, item: 1, items: 1, fold: func(c push.Change) error { got = append(got, c.Batch); return nil }}
	for _, n := range []int{0, 1, 2, 3} {
		r.seen = 0
		for _, row := range rows[:n] {
			if err := r.take(row); err != nil {
				t.Fatal(err)
			}
		}
		if want := []push.Position{3, 3, 4, 5}[n]; r.whole() != want {
			t.Errorf("after %d rows the log is read up to %d", n, r.whole())
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%q", got)
	}
}
