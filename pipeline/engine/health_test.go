package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

var cellFields = []pipeline.MappedField{{Name: "talk", Measure: true}, {Name: "hold", Measure: true}}

// cells is lines "time id field=value …" of the fields talk and hold; a value with ? cannot be read.
type cells struct{ lines }

func (cells) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	into.SetFields(cellFields)
	number := int64(0)
	for line := range strings.Lines(string(c.Data)) {
		number++
		words := strings.Fields(line)
		at, err := time.Parse(time.RFC3339, words[0])
		if err != nil {
			into.Reject(pipeline.Reject{Row: number, At: pipeline.NoInstant, Reason: "no time", Raw: line})
			continue
		}
		into.String(pipeline.Events.Index("kind"), "call")
		into.String(pipeline.Events.Index("event_id"), words[1])
		into.String(pipeline.Events.Index("timezone"), "UTC")
		into.Instant(pipeline.Events.Index("started_at"), pipeline.InstantOf(at))
		filled := uint64(0)
		for _, word := range words[2:] {
			name, value, _ := strings.Cut(word, "=")
			f := slices.IndexFunc(cellFields, func(f pipeline.MappedField) bool { return f.Name == name })
			if f >= 0 {
				filled |= 1 << f
			}
			switch unread := strings.Contains(value, "?"); {
			case unread && f < 0:
				into.UnreadOther(name)
			case unread:
				into.Unread(f, number, pipeline.Shape([]byte(value)))
			}
		}
		into.Filled([]uint64{filled})
		into.EndRow(pipeline.InstantOf(at), pipeline.Hash{})
	}
	return nil
}

func (cells) Lenient() pipeline.Format { return cells{} }

func TestD_UnreadableValuesCountForTheWindowOfTheirRow(t *testing.T) {
	const one = "2025-09-08T01:00:00Z a talk=? hold=1\n2025-09-07T01:00:00Z b talk=? other=?\nno row talk=?\n" +
		"2025-09-08T02:00:00Z c talk=1 hold=?\n--\n2025-09-08T03:00:00Z d talk=?\n2025-09-20T01:00:00Z outside talk=?\n"
	const two = "2025-09-08T01:00:00Z a talk=? hold=1\n2025-09-08T04:00:00Z e hold=?\n2025-09-07T01:00:00Z b talk=? other=?\n2025-09-09T04:00:00Z f talk=1\n"
	s := newScripted(said(map[string]string{"one": one, "two": two}), "one", "two")
	s.format = cells{}
	e, store := newEngine(t, s)
	sum := mustSync(t, e)
	if want := (pipeline.FieldCounts{"talk": 3, "hold": 2, "other": 1}); sum.Duplicate != 2 || sum.Outside != 1 || !maps.Equal(sum.Unreadable, want) {
		t.Errorf("the summary is %+v, want %v", sum, want)
	}
	want := []pipeline.FieldCounts{{"talk": 1, "other": 1}, {"talk": 2, "hold": 2}, nil}
	for i, entry := range entries(t, store, s) {
		if !maps.Equal(entry.Unreadable, want[i]) {
			t.Errorf("the ledger has %v of %s, want %v", entry.Unreadable, entry.Window, want[i])
		}
	}
	e.Select.Refetch = true
	if again := mustSync(t, e); again.Unchanged != 3 || !maps.Equal(again.Unreadable, sum.Unreadable) {
		t.Errorf("read again, the summary is %+v", again)
	}
}

func TestD_AFieldOfWhichTooMuchCannotBeReadFailsItsWindowAlone(t *testing.T) {
	tests := []struct {
		name             string
		unread, read     int
		share            float64
		wantRow, wantAll int // of the failure; 0: there is none
	}{
		{"four values tell nothing", 4, 0, 0.2, 0, 0},
		{"all of five", 5, 0, 0.2, 1, 5},
		{"exactly the share", 2, 8, 0.2, 0, 0},
		{"more than the share", 3, 9, 0.2, 10, 12},
		{"the share allows all", 9, 0, 1, 0, 0},
		{"the share allows none", 1, 9, 0, 10, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var text strings.Builder
			for i := range tt.read {
				fmt.Fprintf(&text, "2025-09-08T01:00:00Z r%d talk=1 hold=1\n", i)
			}
			for i := range tt.unread { // in two pieces, with a row of another window between
				fmt.Fprintf(&text, "2025-09-08T01:00:00Z u%d talk=?34s hold=1\n", i)
				if i == tt.unread/2 {
					text.WriteString("--\n2025-09-07T01:00:00Z other talk=?\n")
				}
			}
			s := newScripted(said(map[string]string{"company": text.String()}))
			s.format = cells{}
			e, store := newEngine(t, s)
			e.Health.MaxUnreadable = engine.RejectLimit{Share: tt.share, Setting: "THE_SHARE"}
			sum, err := e.Sync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := sum.Streams[0]
			if tt.wantRow == 0 {
				if sum.Exit != pipeline.ExitDone || got.Unreadable["talk"] != int64(tt.unread+1) {
					t.Errorf("exit %d, %+v", sum.Exit, got)
				}
				return
			}
			if sum.Exit != pipeline.ExitFailed || got.Failed != 1 || got.Committed != 2 || len(entries(t, store, s)) != 2 || got.Unreadable["talk"] != 1 {
				t.Fatalf("exit %d, %+v", sum.Exit, got)
			}
			f := got.Errors[0]
			want := fmt.Sprintf("talk cannot be read in %d of the %d rows that have it, more than the share of %g that THE_SHARE allows; the first is row %d, a value of the shape ?99a (",
				tt.unread, tt.wantAll, tt.share, tt.wantRow)
			if f.ErrorKind != "unreadable_field" || !strings.Contains(f.Message, want) || f.Remedy != pipeline.GiveUp || f.WindowStart.String() != "2025-09-08T00:00:00Z" {
				t.Errorf("the failure is %+v, want %q", f, want)
			}
		})
	}
}
