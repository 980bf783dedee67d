package pipeline

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
)

func TestATotalDoesNotDependOnTheOrder(t *testing.T) {
	values := []float64{0.1, 0.2, 1e15, 0.3, -0.7, 1e15 + 0.5, 12.25, -1e15, 1e-9}
	of := func(vs []float64) float64 {
		var sum Total
		for _, v := range vs {
			sum.Add(v)
		}
		sum.AddInt(3)
		return sum.Value()
	}
	forward := of(values)
	slices.Reverse(values)
	if back := of(values); back != forward {
		t.Errorf("%v one way, %v the other", forward, back)
	}
	if got := of([]float64{0.1, 0.2}); got != 3.3 {
		t.Errorf("0.1 + 0.2 + 3 is %v", got)
	}
	var apart, one Total
	apart.AddParts(12, 1_999_999_999)
	one.AddParts(14, -1)
	if apart.Value() != one.Value() || one.Value() != 13.999999999 {
		t.Errorf("%v and %v, want 13.999999999", apart.Value(), one.Value())
	}
	var most Total
	most.AddInt(1 << 62)
	most.AddInt(1 << 62)
	most.Add(1e300)
	if most.Value() < 1<<62 {
		t.Errorf("what is too large wraps to %v", most.Value())
	}
}

func TestMeasuresTellWhatDiffers(t *testing.T) {
	r := HistoryRow{Measures: Sums{"answered": 3, "talk_seconds": 620, "missed": 1}.Changed(Sums{"answered": 3, "talk_seconds": 655.5, "hold_seconds": 2})}
	text := r.MeasuresJSON()
	if want := `{"hold_seconds":[0,2],"missed":[1,0],"talk_seconds":[620,655.5]}`; text != want {
		t.Errorf("%s, want %s", text, want)
	}
	var back HistoryRow
	if err := back.ReadMeasures(text); err != nil || !reflect.DeepEqual(back.Measures, r.Measures) {
		t.Errorf("%v comes back, %v", back.Measures, err)
	}
	for text, sums := range map[string][2]Sums{"{}": {{"answered": 1}, {"answered": 1}}, "": {nil, {"answered": 1}}} {
		if r.Measures = sums[0].Changed(sums[1]); r.MeasuresJSON() != text {
			t.Errorf("%v: %q, want %q", sums, r.MeasuresJSON(), text)
		}
	}
}

func TestMeasuresAreReadAsJSONHasThem(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"a":[0,-2.5]}`, `{"a":[1e+21,5e-324],"b":[0.1,3]}`, ` {"a": [1, 2]}`, `{"a":[1,2],"a":[3,4]}`, `{"\u0061":[1,2]}`, `{"a":[1,2,3]}`, `{"a":[1]}`,
		`{"a,b":[1,2]}`, `{"a":null}`, `{"a\":[1,2],\"b":[3,4]}`, `{`, `{"a":[1,2]`, `{"a":[1,2]},{"b":[1,2]}`, `{"a":[0x1,2]}`, `{"a":[1_0,2]}`, `{"a":[NaN,2]}`,
	} {
		var want map[string][2]float64
		err := json.Unmarshal([]byte(text), &want)
		var got HistoryRow
		if told := got.ReadMeasures(text); (told != nil) != (err != nil) || err == nil && !maps.Equal(got.Measures, want) {
			t.Errorf("%s: %v, %v; JSON has %v, %v", text, got.Measures, told, want, err)
		}
	}
}

func TestAFailureHasAHintOfOurs(t *testing.T) {
	words := map[string]Remedy{"cut_short": Wait, "too_many_rejects": GiveUp, "sink_failed": Correct}
	for word, remedy := range words {
		row := FailureRow(StreamKey{}, &Entry{Kind: EntryFail, ErrorKind: word, Note: "the vendor's words"})
		if row.Hint != hints[remedy] || row.ErrorKind != word || row.Kind != HistoryFailed {
			t.Errorf("%s: %+v", word, row)
		}
	}
	if got := FailureRow(StreamKey{}, &Entry{}).Hint + HintOf("of a later version"); got != "" {
		t.Errorf("a word that nobody knows has the hint %q", got)
	}
}

func TestTheLedgerKeepsWhatABeginNotedUntilACommitEndsIt(t *testing.T) {
	first, other := hours(0, 24), hours(24, 48)
	begin := func(id SyncID, order uint64, before ...Before) Entry {
		return Entry{Kind: EntryBegin, Window: Window{Span: first}, SyncID: id, Order: order, Before: before,
			Supersedes: []Window{{Span: other}}}
	}
	commit := func(id SyncID, order uint64) Entry {
		return Entry{Kind: EntryCommit, Window: Window{Span: first}, SyncID: id, Order: order}
	}
	sums := Sums{"answered": 7}
	noted := Before{Window: first, Of: "old", Sums: sums, By: []SyncID{"a"}}
	tests := []struct {
		name string
		log  []Entry
		want *Before
	}{
		{"a begin", []Entry{begin("a", 1, noted)}, &noted},
		{"a begin that knows no sums", []Entry{begin("a", 1, noted), begin("b", 2, Before{Window: first, Of: "old", By: []SyncID{"b"}})},
			&Before{Window: first, Of: "old", Sums: sums, By: []SyncID{"a", "b"}}},
		{"a begin of an older reading", []Entry{begin("a", 2, noted), begin("b", 1, Before{Window: first, Of: "old", By: []SyncID{"b"}})},
			&Before{Window: first, Of: "old", Sums: sums, By: []SyncID{"a", "b"}}},
		{"a reopen", []Entry{begin("a", 1, noted), {Kind: EntryReopen, Window: Window{Span: first}, SyncID: "old", Order: 1}}, &noted},
		{"the commit of an older reading", []Entry{begin("a", 2, noted), begin("b", 1, Before{Window: first, Of: "old", By: []SyncID{"b"}}), commit("b", 1)},
			&Before{Window: first, Of: "old", Sums: sums, By: []SyncID{"a"}}},
		{"the commit", []Entry{begin("a", 1, noted), commit("a", 1)}, nil},
	}
	for _, tt := range tests {
		l := NewLedger()
		for _, e := range tt.log {
			l.Apply(e)
		}
		for range 2 { // the second time after a compaction
			var got *Before
			for _, e := range l.BegunOver(first) {
				if e.Window.Span == first {
					got = e.BeforeOf(first)
				} else if e.BeforeOf(first) != nil {
					t.Errorf("%s: another window has it too", tt.name)
				}
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			}
			again := NewLedger()
			for e := range l.All() {
				again.Apply(e)
			}
			l = again
		}
	}
}
