package bigquery

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAnEntryThatCannotBeReadIsRefusedByName(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct{ text, says, remedy string }{
		"an empty text":     {"", "cannot be read", "rename _windrow_ledger away"},
		"a cut one":         {`{"format":1,"kind":"comm`, "cannot be read", "FOR SYSTEM_TIME AS OF"},
		"another document":  {`[]`, "cannot be read", "rename _windrow_ledger away"},
		"no kind":           {`{}`, "it has no kind", "rename _windrow_ledger away"},
		"no window":         {`{"format":1,"kind":"commit"}`, `it is of kind "commit" and names no window`, "rename _windrow_ledger away"},
		"an unknown kind":   {`{"kind":"forget","window":{"start":"2025-09-08T06:00:00Z","end":"2025-09-09T06:00:00Z"}}`, `kind "forget", which this version does not know`, "a newer one"},
		"a newer format":    {`{"format":2,"kind":"commit"}`, "it has format 2, and this version knows 1", "a newer one"},
		"a time that isn't": {`{"format":1,"kind":"commit","window":{"start":"yesterday","end":"2025-09-09T06:00:00Z"}}`, "cannot be read", "rename _windrow_ledger away"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := p.open(t, p.options())
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
			update := fmt.Sprintf(`UPDATE "test-project.contact_centre"."_windrow_ledger" SET entry = '%s' WHERE stream = 'ucontact.agents'`, strings.ReplaceAll(tt.text, "'", "''"))
			if err := p.server.ExecDuckDB(ctx, update); err != nil {
				t.Fatal(err)
			}
			s = p.open(t, p.options())
			for range 2 { // it stays refused
				l, err := s.Ledger(ctx, agents)
				if l != nil || pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "the entry of seq 1 in _windrow_ledger") ||
					!strings.Contains(err.Error(), string(agents.Stream)) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.remedy) {
					t.Errorf("%v", err)
				}
			}
			if err := p.open(t, p.options()).Check(ctx); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), string(agents.Stream)) || strings.Contains(err.Error(), string(calls.Stream)) {
				t.Errorf("check says %v", err)
			}
			if l, err := s.Ledger(ctx, calls); err != nil || len(l.Entries()) != 1 {
				t.Errorf("the other stream has %v, %v", l, err)
			}
			if r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 0, "bob"))[0]; pipeline.KindOf(r.Err) != pipeline.Damaged {
				t.Errorf("%v", r.Err)
			}
			p.holds(t, "ana")
			mustCommit(t, s, pipeline.Committed, sealOf(t, s, calls, dayWindow(0), 2, 0, "d"))
		})
	}
}

func TestEntriesHaveAFormatAndEarlierOnesAreReadAsTheyAre(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
	origin := pipeline.Entry{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: dayWindow(-30).Start}}}
	if err := s.Record(ctx, agents, origin); err != nil {
		t.Fatal(err)
	}
	want, err := p.open(t, p.options()).Ledger(ctx, agents)
	if err != nil || len(want.Entries()) != 2 {
		t.Fatalf("%+v, %v", want, err)
	}
	const begins = `{"format":1,"kind":`
	if n := len(p.query(t, "_windrow_ledger", "SELECT 1 FROM contact_centre._windrow_ledger WHERE entry LIKE '"+begins+"%'")); n != 2 {
		t.Errorf("%d of 2 entries begin with %s", n, begins)
	}
	if err := p.server.ExecDuckDB(ctx, `UPDATE "test-project.contact_centre"."_windrow_ledger" SET entry = replace(entry, '"format":1,', '')`); err != nil {
		t.Fatal(err)
	}
	s = p.open(t, p.options())
	got, err := s.Ledger(ctx, agents)
	if err != nil || !reflect.DeepEqual(got.Entries(), want.Entries()) {
		t.Errorf("without a format the ledger is\n\t%+v\nwant\n\t%+v (%v)", got.Entries(), want.Entries(), err)
	}
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 2, 1, "ana"))
}
