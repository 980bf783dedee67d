package engine_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// cells is lines "time id field=value …" of the fields talk and hold; a value with ? cannot be read.
type cells struct{ lines }

func (cells) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	fields := []string{"talk", "hold"}
	into.SetFields(fields)
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
		into.Instant(pipeline.Events.Index("started_at"), pipeline.InstantOf(at))
		filled := uint64(0)
		for _, word := range words[2:] {
			name, value, _ := strings.Cut(word, "=")
			f := slices.Index(fields, name)
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
