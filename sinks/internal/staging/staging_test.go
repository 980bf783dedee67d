package staging

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// counter is the smallest stage of a sink: it counts what it is given.
type counter struct {
	*Stage
	rows, rejected int64
	dropped        int
}

func (c *counter) Append(_ context.Context, _ int, rec arrow.Record) error {
	return c.Collect("stage rows", func() error { c.rows += rec.NumRows(); return nil })
}

func (c *counter) Reject(_ context.Context, rejects []pipeline.Reject) error {
	return c.Collect("stage rejects", func() error { c.rejected += int64(len(rejects)); return nil })
}

func (c *counter) Seal(context.Context) (int64, error) {
	return c.rows, c.Close(func() error { return nil })
}

func (c *counter) Abort() error { return c.Drop(func() error { c.dropped++; return nil }) }

func (c *counter) Counts() (rows, rejected int64) { return c.rows, c.rejected }

var agents = pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}

// failed gives every error the kind SinkFailed, unless it has one.
func failed(op string, err error) error {
	var known *pipeline.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err}
}

// counted is a stage of the owner "store" with so many rejects.
func counted(t *testing.T, k pipeline.StreamKey, w pipeline.Window, rejects int) *counter {
	t.Helper()
	s, err := New("store", failed, k, pipeline.Activity, w)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{Stage: s}
	if err := c.Reject(context.Background(), make([]pipeline.Reject, rejects)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAStageCollectsUntilItEnds(t *testing.T) {
	ctx := context.Background()
	full := errors.New("disk full")
	for name, end := range map[string]func(*counter) error{
		"sealed":  func(c *counter) error { _, err := c.Seal(ctx); return err },
		"aborted": func(c *counter) error { return errors.Join(c.Abort(), c.Abort()) },
	} {
		c := counted(t, agents, hours(0, 24), 1)
		if err := c.Close(func() error { return full }); !errors.Is(err, full) {
			t.Errorf("%s: the failing end said %v", name, err)
		}
		if err := c.Reject(ctx, make([]pipeline.Reject, 1)); err != nil {
			t.Errorf("%s: a stage whose end failed is not open: %v", name, err)
		}
		if err := end(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var e *pipeline.Error
		if err := c.Reject(ctx, make([]pipeline.Reject, 1)); !errors.As(err, &e) || e.Op != "stage rejects" || e.Stream != agents.Stream || e.Window != c.Window.Span {
			t.Errorf("%s: a reject after the end said %v", name, err)
		}
		if _, err := c.Seal(ctx); err == nil {
			t.Errorf("%s: it was sealed again", name)
		}
		if c.rejected != 2 {
			t.Errorf("%s: %d rejects, want 2", name, c.rejected)
		}
	}
}

func TestAWindowThatIsNoneIsNotStaged(t *testing.T) {
	nowhere := hours(0, 24)
	nowhere.Zone = "Nowhere/City"
	for _, w := range []pipeline.Window{hours(3, 3), nowhere} {
		if _, err := New("store", failed, agents, pipeline.Activity, w); pipeline.KindOf(err) != pipeline.SinkFailed {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

func TestACommitAdmitsWhatFitsAndEndsEveryStage(t *testing.T) {
	ctx := context.Background()
	east := pipeline.StreamKey{Account: "us-east", Stream: agents.Stream}
	seal := func(c *counter) *counter {
		if _, err := c.Seal(ctx); err != nil {
			t.Fatal(err)
		}
		return c
	}
	foreign, err := New("another store", failed, agents, pipeline.Activity, hours(48, 72))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		stage   *counter
		rejects int64 // that the entry tells
		change  func(*pipeline.Sealed)
		refused string
	}{
		{"a window", seal(counted(t, agents, hours(0, 24), 2)), 2, nil, ""},
		{"its neighbour", seal(counted(t, agents, hours(24, 48), 0)), 0, nil, ""},
		{"the same hours of another account", seal(counted(t, east, hours(0, 24), 0)), 0, nil, ""},
		{"one that overlaps the first", seal(counted(t, agents, hours(23, 24), 0)), 0, nil, "overlaps"},
		{"another store's", seal(&counter{Stage: foreign}), 0, nil, "another store"},
		{"another stream's", seal(counted(t, agents, hours(72, 96), 0)), 0, func(w *pipeline.Sealed) { w.Key = east }, "another store"},
		{"another table's", seal(counted(t, agents, hours(72, 96), 0)), 0, func(w *pipeline.Sealed) { w.Table = pipeline.Events }, "another store"},
		{"one that is open", counted(t, agents, hours(72, 96), 0), 0, nil, "not sealed"},
		{"one that was miscounted", seal(counted(t, agents, hours(72, 96), 1)), 2, nil, "1 rejects"},
	}
	var windows []pipeline.Sealed
	for _, tt := range tests {
		w := pipeline.Sealed{Stage: tt.stage, Key: tt.stage.Key, Table: tt.stage.Table,
			Entry: pipeline.Entry{Kind: pipeline.EntryCommit, Window: tt.stage.Window, Counts: pipeline.Counts{Rejected: tt.rejects}}}
		if tt.change != nil {
			tt.change(&w)
		}
		windows = append(windows, w)
	}
	results, admitted := Admit[*counter]("store", failed, windows)
	for i, tt := range tests {
		taken := slices.ContainsFunc(admitted, func(p *Pending[*counter]) bool { return p.Stage == tt.stage })
		err := results[i].Err
		if taken != (tt.refused == "") || !taken && (pipeline.KindOf(err) != pipeline.Internal || !strings.Contains(err.Error(), tt.refused)) {
			t.Errorf("%s: admitted %v, %v", tt.name, taken, err)
		}
		if results[i].Outcome != pipeline.Failed {
			t.Errorf("%s: outcome %d before anything was done", tt.name, results[i].Outcome)
		}
	}
	Release(windows)
	for _, tt := range tests {
		if tt.stage.dropped != 1 {
			t.Errorf("%s: the stage was dropped %d times", tt.name, tt.stage.dropped)
		}
	}
}

func TestAPendingWindowTellsItsOutcome(t *testing.T) {
	newer := pipeline.NewLedger()
	newer.Apply(entry(pipeline.EntryCommit, hours(0, 24), 9, 1))
	broken := newer.Clone()
	broken.Apply(entry(pipeline.EntryBegin, hours(0, 24), 10, 1))
	for _, tt := range []struct {
		name    string
		ledger  *pipeline.Ledger
		open    bool
		outcome pipeline.Outcome
		failed  bool
	}{
		{"a new window", pipeline.NewLedger(), true, pipeline.Failed, false},
		{"an older reading", newer, false, pipeline.Yielded, false},
		{"an older reading where a newer broke off", broken, false, pipeline.Failed, true},
	} {
		var result pipeline.Result
		p := Pending[*counter]{Result: &result, classify: failed}
		p.Sealed.Entry, result.Outcome = entry(pipeline.EntryCommit, hours(0, 24), 5, 2), pipeline.Failed
		if open := p.Judge(tt.ledger); open != tt.open || result.Outcome != tt.outcome || (result.Err != nil) != tt.failed {
			t.Errorf("%s: open %v, result %+v", tt.name, open, result)
		}
	}
	var result pipeline.Result
	p := Pending[*counter]{Result: &result, classify: failed}
	for _, unchanged := range []bool{false, true} {
		if p.Done(pipeline.Entry{Unchanged: unchanged, SyncID: "x"}); (result.Outcome == pipeline.Unchanged) != unchanged || result.Entry.SyncID != "x" {
			t.Errorf("unchanged %v: %+v", unchanged, result)
		}
	}
}
