package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Two targets' reports of three days, with rows and rejects of those days and of others, rejects without a time, rows that
// both have, and cuts anywhere: every source row is counted once, in the summary as in the ledger and in the run's record.
func TestG_EveryNumberIsConsistent(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		texts, lines := map[string]string{}, int64(0)
		for _, scope := range []string{"one", "two"} {
			var b strings.Builder
			for range 5 + random.IntN(60) {
				at := fmt.Sprintf("2025-09-%02dT%02d:00:00Z", 6+random.IntN(5), random.IntN(24))
				switch random.IntN(8) {
				case 0:
					fmt.Fprintf(&b, "at %s odd\n", at)
				case 1:
					b.WriteString("never\n")
				default:
					fmt.Fprintf(&b, "%s %d\n", at, random.IntN(3))
				}
				lines++
				if random.IntN(10) == 0 {
					b.WriteString("--\n") // a range ends
				}
			}
			b.WriteString("2025-09-08T12:00:00Z last\n")
			lines++
			texts[scope] = b.String()
		}
		s := newScripted(said(texts), "one", "two")
		e, store := newEngine(t, s)
		e.MaxRejects.Share = 1
		sum, err := e.Sync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st := sum.Streams[0]
		var ledger pipeline.Counts
		for _, one := range entries(t, store, s) {
			ledger = ledger.Add(one.Counts)
		}
		told := pipeline.Counts{Read: st.Read, Rows: st.Rows, Rejected: st.Rejected, Outside: st.Outside, Duplicate: st.Duplicate}
		if told != ledger || st.Read != st.Rows+st.Rejected+st.Outside+st.Duplicate || st.Failed == 0 && st.Read != lines {
			t.Fatalf("seed %d: %d lines, the summary has %+v, the ledger %+v, and %d windows failed", seed, lines, told, ledger, st.Failed)
		}
		if rows, rejects := len(store.Rows(s.key)), len(store.Rejects(s.key)); int64(rows) != st.Rows || int64(rejects) != st.Rejected {
			t.Fatalf("seed %d: %d rows and %d rejects are there, and %+v are told", seed, rows, rejects, told)
		}
		for run, err := range store.Runs(t.Context(), pipeline.NoInstant, 0) {
			if err != nil || run.Streams[0].Read != st.Read || run.Streams[0].Rejected != st.Rejected {
				t.Fatalf("seed %d: the record has %+v, %v", seed, run.Streams, err)
			}
		}
	}
}

// A row that condemns its document does so whatever share of rejects is allowed, and wherever ranges end.
func TestA_ARowThatCondemnsItsDocumentFailsItsWindows(t *testing.T) {
	const header, row = "id,kind\n", "1,call\n"
	for says, tt := range map[string]struct{ text, kind, words string }{
		"the header again":          {header + row + row + header + row, "header_again", "row 3 is the header again"},
		"a last row cut short":      {header + row + row + "2\n", "cut_short", "the last row, row 3, has 1 of 2 cells"},
		"a message behind the rows": {header + row + "ERROR: the export ran too long\n", "vendor_error", "the last row, row 2, has 1 of 2 cells: ERROR: the export ran too long"},
		"a cut row in the middle":   {header + row + "2\n" + row, "", ""},
	} {
		s := newScripted(said(map[string]string{"company": tt.text}))
		s.apart, s.format = true, transforms.NewCSV(transforms.Mapping{
			Table: pipeline.Events, Fields: []transforms.Field{{Source: "id", Column: "event_id"}, {Source: "kind", Column: "kind"}}, Keys: []string{"id"},
			Row: func(r *transforms.Row) { r.At(pipeline.InstantOf(noon.AddDate(0, 0, -2))) },
		}, pipeline.Policy{})
		e, store := newEngine(t, s)
		e.Select.From, e.Select.To, e.MaxRejects.Share = "2025-09-08", "2025-09-08", 1
		sum, err := e.Sync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st := sum.Streams[0]
		if tt.kind == "" {
			if st.Committed != 1 || st.Rejected != 1 {
				t.Errorf("%s: %+v", says, st)
			}
			continue
		}
		l, err := store.Ledger(t.Context(), s.key)
		if err != nil || st.Failed != 1 || st.Errors[0].ErrorKind != tt.kind || !strings.Contains(st.Errors[0].Message, tt.words) {
			t.Fatalf("%s: %v, %+v", says, err, st)
		}
		for failure := range l.Failures() {
			if failure.ErrorKind != tt.kind || failure.Note != st.Errors[0].Message {
				t.Errorf("%s: the ledger has %+v", says, failure)
			}
		}
	}
}
