package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// metered is a store that bills.
type metered struct{ pipeline.Store }

func (metered) Receipt() pipeline.Receipt { return pipeline.Receipt{} }

func (metered) Estimate(_ context.Context, plan []pipeline.PlannedStream) (pipeline.Estimate, error) {
	return pipeline.Estimate{LoadJobs: len(plan[0].Windows), QueryJobs: 2, BytesBilled: 20 << 20, Warnings: []string{"that is many jobs"}}, nil
}

// daily is a source of one stream; only its plans are asked for.
type daily struct{ pipeline.Source }

func (daily) Streams() []pipeline.Stream {
	return []pipeline.Stream{{
		Key:   pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: "dialpad.calls"},
		Table: pipeline.Events, From: "2025-09-07", Calendar: pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC},
	}}
}

func (daily) Plan(pipeline.Stream, []pipeline.Window) []pipeline.Extraction { return nil }

func TestPlanTellsWhatASinkThatBillsWillCharge(t *testing.T) {
	now := time.Date(2025, 9, 10, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	plan := func(store pipeline.Store, f selection) (stdout, stderr string) {
		var out, errs strings.Builder
		a := &app{stdout: &out, stderr: &errs, now: clock}
		e := &engine.Engine{Store: store, Sources: []pipeline.Source{daily{}}, Clock: clock, Now: clock, Select: plan.Selection{From: f.from, To: f.to}}
		s := &setup{log: show.NewLog(&errs, true, slog.LevelInfo)}
		if err := a.plan(t.Context(), s, e, &f); err != nil {
			t.Fatal(err)
		}
		return out.String(), errs.String()
	}
	free := memory.New(memory.Options{Now: clock})
	const estimate = "If every window has changed, committing them takes about 3 load jobs and 2 query jobs, and bills about 20 MiB.\nWarning: that is many jobs\n"

	if out, errs := plan(metered{free}, selection{}); !strings.HasSuffix(out, estimate) || errs != "" {
		t.Errorf("text: %s\n%s", out, errs)
	}
	out, errs := plan(metered{free}, selection{asJSON: true})
	var streams []any
	if err := json.Unmarshal([]byte(out), &streams); err != nil || len(streams) != 1 {
		t.Errorf("the document is no array of streams: %v\n%s", err, out)
	}
	if !strings.Contains(errs, `"bytes_billed":20971520`) || !strings.Contains(errs, `"level":"WARN","msg":"that is many jobs"`) {
		t.Errorf("the log lacks the estimate:\n%s", errs)
	}
	for name, quiet := range map[string]func() (string, string){
		"a sink that bills nobody": func() (string, string) { return plan(free, selection{}) },
		"a plan of nothing":        func() (string, string) { return plan(metered{free}, selection{to: "2025-09-01"}) },
		"a waiver": func() (string, string) {
			return plan(metered{free}, selection{from: "2025-09-07", to: "2025-09-08", waive: "gone"})
		},
	} {
		if out, errs := quiet(); out == "" || strings.Contains(out+errs, "load job") {
			t.Errorf("%s: %s%s", name, out, errs)
		}
	}
}
