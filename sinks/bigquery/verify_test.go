package bigquery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// verified are the differences of ucontact.agents, in a line each, as a new process finds them.
func (p place) verified(t testing.TB, s *Store, depth pipeline.Depth) (list []string) {
	t.Helper()
	ctx := context.Background()
	l, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range s.Verify(ctx, agents, pipeline.Activity, l, pipeline.Verification{Depth: depth}) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Kind != pipeline.DiffExtra && d.Entry.Window != d.Window {
			t.Errorf("a difference of %s names the entry of %s", d.Window.Span, d.Entry.Window.Span)
		}
		list = append(list, fmt.Sprintf("%s %s %s: %s, not %s", d.Kind, d.Window.Start.Time().Format("01-02"), d.Object, d.Found, d.Expected))
	}
	return list
}

// spoil runs DuckDB's SQL as somebody else; %s is the dataset.
func (p place) spoil(t testing.TB, text string) {
	t.Helper()
	if err := p.server.ExecDuckDB(context.Background(), strings.ReplaceAll(text, "%s", `"test-project.contact_centre"`)); err != nil {
		t.Fatal(err)
	}
}

func onDay(n int) string {
	return "window_start = TIMESTAMPTZ '" + dayWindow(n).Start.Time().Format("2006-01-02 15:04:05+00") + "'"
}

func TestWhatTheTablesLackOfTheLedgerIsNamed(t *testing.T) {
	const kept = "INSERT INTO %s.activity SELECT * REPLACE (window_start - INTERVAL 3 HOUR AS window_start, window_end - INTERVAL 3 HOUR AS window_end, local_date - 40 AS local_date) FROM %s.activity WHERE "
	for name, tt := range map[string]struct {
		harm string
		want []string // at every depth
		deep []string // only where rows are read
	}{
		"nothing":                 {"SELECT 1", nil, nil},
		"a window deleted":        {"DELETE FROM %s.activity WHERE " + onDay(1), []string{"missing 09-09 contact_centre.activity: 0 rows, not 2 rows"}, nil},
		"a row deleted":           {"DELETE FROM %s.activity WHERE resource_id = 'bob'", []string{"rows 09-09 contact_centre.activity: 1 row, not 2 rows"}, nil},
		"rows doubled":            {"INSERT INTO %s.activity SELECT * FROM %s.activity WHERE " + onDay(1), []string{"rows 09-09 contact_centre.activity: 4 rows, not 2 rows"}, nil},
		"rejects deleted":         {"DELETE FROM %s._windrow_rejects", []string{"rejects 09-08 contact_centre._windrow_rejects: 0 rejects, not 2 rejects"}, nil},
		"a row changed":           {"UPDATE %s.activity SET answered = 7 WHERE resource_id = 'bob'", nil, []string{"fingerprint 09-09"}},
		"a name changed":          {"UPDATE %s.activity SET resource_id = 'bib' WHERE resource_id = 'bob'", nil, []string{"fingerprint 09-09"}},
		"a reject changed":        {"UPDATE %s._windrow_rejects SET reason = 'even'", nil, []string{"rejects 09-08"}},
		"extras that are no JSON": {"UPDATE %s.activity SET extras = 'x' WHERE resource_id = 'bob'", nil, []string{"fingerprint 09-09"}},
		"rows of no window":       {kept + onDay(0), []string{"extra 09-08 contact_centre.activity: 1 row and 0 rejects of no window, not no row"}, nil},
		"an empty window's rows": {"INSERT INTO %s.activity SELECT * REPLACE (window_start + INTERVAL 2 DAY AS window_start, window_end + INTERVAL 2 DAY AS window_end, local_date + 2 AS local_date) FROM %s.activity WHERE " + onDay(0),
			[]string{"unexpected 09-10 contact_centre.activity: 1 row, not 0 rows"}, nil},
		"everything deleted": {"DELETE FROM %s.activity", []string{"missing 09-08 contact_centre.activity: 0 rows, not 1 row", "missing 09-09 contact_centre.activity: 0 rows, not 2 rows"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := p.open(t, p.options())
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 2, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob", "cy"), seal(t, s, dayWindow(2), 1, 0))
			mustCommit(t, s, pipeline.Committed, sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
			p.spoil(t, tt.harm)
			for _, depth := range []pipeline.Depth{pipeline.ByListing, pipeline.ByCounts, pipeline.ByRows} {
				got := p.verified(t, p.open(t, p.options()), depth)
				want := tt.want
				if depth == pipeline.ByRows {
					want = append(slices.Clone(want), tt.deep...)
				}
				if !slices.EqualFunc(got, want, strings.HasPrefix) {
					t.Errorf("at depth %d:\n\t%s\nwant\n\t%s", depth, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
				}
			}
		})
	}
}

// A verification is one query for a stream whose tables are as the ledger says, and months of rows are read in order, in
// pieces.
func TestAVerificationIsOneQueryAndADeepOneReadsInPieces(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	const days = verifyWindows + 20
	for start := 0; start < days; start += Grouping().Windows {
		var group []pipeline.Sealed
		for d := start; d < min(start+Grouping().Windows, days); d++ {
			group = append(group, seal(t, s, dayWindow(d), 1, 0, "ana", "bob"))
		}
		mustCommit(t, s, pipeline.Committed, group...)
	}
	for depth, want := range map[pipeline.Depth]string{pipeline.ByCounts: "select select", pipeline.ByRows: "select select select select"} {
		s = p.open(t, p.options())
		before := len(p.server.Jobs())
		if got := p.verified(t, s, depth); len(got) != 0 {
			t.Errorf("at depth %d differ %d, the first %s", depth, len(got), got[0])
		}
		if got := p.kinds(before); got != want { // the ledger is one
			t.Errorf("at depth %d the jobs were %s, want %s", depth, got, want)
		}
		for _, j := range p.server.Jobs()[before:] {
			if j.MaxBytesBilled != 100<<30 {
				t.Errorf("job %s has the cap %d", j.ID, j.MaxBytesBilled)
			}
		}
	}
}

// A window that differs is counted again on its own days, not with all that the table holds.
func TestWhatDiffersIsCountedAgainOnItsDays(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	var group []pipeline.Sealed
	for d := range 200 {
		group = append(group, seal(t, s, dayWindow(d), 1, 0, "ana", "bob"))
	}
	mustCommit(t, s, pipeline.Committed, group...)
	p.spoil(t, "DELETE FROM %s.activity WHERE "+onDay(7))
	before := len(p.server.Jobs())
	if got := p.verified(t, p.open(t, p.options()), pipeline.ByCounts); len(got) != 1 {
		t.Fatalf("%q", got)
	}
	var read []int64
	for _, j := range p.server.Jobs()[before:] {
		if strings.Contains(j.SQL, "COUNT(*)") {
			read = append(read, j.BytesProcessed)
		}
	}
	if len(read) != 2 || read[1]*20 > read[0] {
		t.Errorf("the counts read %d bytes", read)
	}
}

// What another process commits between the counting and the reading of the ledger is no difference.
func TestACommitBesideAVerificationIsNoDifference(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	old, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "ana", "bob"), seal(t, s, dayWindow(1), 2, 0, "cy"))
	for d, err := range p.open(t, p.options()).Verify(ctx, agents, pipeline.Activity, old, pipeline.Verification{Depth: pipeline.ByRows}) {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestARepairRemovesRowsOfNoWindowAndNothingElse(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob"))
	copyTo := func(hours int) {
		p.spoil(t, fmt.Sprintf("INSERT INTO %%s.activity SELECT * REPLACE (window_start + INTERVAL (%[1]d) HOUR AS window_start, window_end + INTERVAL (%[1]d) HOUR AS window_end, local_date + (%[1]d) // 24 AS local_date, 'no' AS resource_id) FROM %%s.activity WHERE resource_id = 'ana'", hours))
	}
	copyTo(-300 * 24)
	copyTo(40 * 24)
	p.spoil(t, "INSERT INTO %s._windrow_rejects SELECT * REPLACE (window_start + INTERVAL 960 HOUR AS window_start, window_end + INTERVAL 960 HOUR AS window_end) FROM %s._windrow_rejects")
	s = p.open(t, p.options())
	if removed, err := s.Sweep(ctx, agents, pipeline.Activity); len(removed) > 0 || err != nil {
		t.Errorf("before anybody looked %q, %v were removed", removed, err)
	}
	if got := p.verified(t, s, pipeline.ByCounts); len(got) != 2 || !strings.Contains(got[1], "1 row and 1 reject of no window") {
		t.Errorf("found are %q", got)
	}
	// What another process commits over one of them meanwhile is not removed.
	other := p.open(t, p.options())
	mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(40), 2, 0, "eva"))
	before := len(p.server.Jobs())
	removed, err := s.Sweep(ctx, agents, pipeline.Activity)
	if err != nil || len(removed) != 1 {
		t.Errorf("%q, %v", removed, err)
	}
	if got := p.kinds(before); got != "select script" {
		t.Errorf("a repair took the jobs %s", got)
	}
	p.holds(t, "ana", "bob", "eva")
	if got := p.verified(t, p.open(t, p.options()), pipeline.ByRows); len(got) != 0 {
		t.Errorf("after the repair %q", got)
	}
	keys, err := s.Holders(ctx)
	if err != nil || !slices.Equal(keys, []pipeline.StreamKey{agents}) {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestADatasetThatIsNotThereHoldsNothing(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	if keys, err := s.Holders(context.Background()); len(keys) != 0 || err != nil {
		t.Errorf("%v, %v", keys, err)
	}
	if got := p.verified(t, s, pipeline.ByRows); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestWindowsPastTheRetentionAreNoDifference(t *testing.T) {
	now := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
	p, open := dated(t, &now)
	s := open()
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(20), 1, 1, "cy"))
	p.keep(t, "activity", "local_date", 30*day)
	p.keep(t, statement.RejectsTable, "window_start", 5*day)
	now = time.Date(2025, 10, 12, 12, 0, 0, 0, time.UTC)
	s = open()
	if got := p.verified(t, s, pipeline.ByRows); len(got) != 0 {
		t.Errorf("%q", got)
	}
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(20), 2, 1, "cy")) // its rejects have expired
}

func TestAPolicyThatHidesRowsFailsAVerification(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
	l, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"activity", statement.RejectsTable} {
		if err := p.server.FilterRows("test-project", "contact_centre", name, true); err != nil {
			t.Fatal(err)
		}
		found := 0
		for d, err := range p.open(t, p.options()).Verify(ctx, agents, pipeline.Activity, l, pipeline.Verification{}) {
			if found++; !hides(err, name) {
				t.Errorf("%s: %+v, %v", name, d, err)
			}
		}
		if found != 1 {
			t.Errorf("%s: %d answers", name, found)
		}
		if err := p.server.FilterRows("test-project", "contact_centre", name, false); err != nil {
			t.Fatal(err)
		}
	}
}

// What reads masked has other fingerprints: a repair would reopen every window. Counts are compared all the same.
func TestColumnsThatReadMaskedFailADeepVerificationByTheRightThatIsMissing(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"), seal(t, s, dayWindow(1), 1, 1, "bob"))
	l, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(depth pipeline.Depth) (differs int, failed error) {
		for _, err := range p.open(t, p.options()).Verify(ctx, agents, pipeline.Activity, l, pipeline.Verification{Depth: depth}) {
			if failed = err; err == nil {
				differs++
			}
		}
		return differs, failed
	}
	for name, column := range map[string]string{"activity": "resource_id", statement.RejectsTable: "raw"} {
		if err := p.server.MaskColumn("test-project", "contact_centre", name, column); err != nil {
			t.Fatal(err)
		}
		refused := func() {
			t.Helper()
			n, err := verify(pipeline.ByRows)
			if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "read table "+name) || !strings.Contains(err.Error(), "the role Fine-Grained Reader (roles/datacatalog.categoryFineGrainedReader)") || n > 0 {
				t.Errorf("%s: %d differences, %v", name, n, err)
			}
		}
		refused()
		if n, err := verify(pipeline.ByCounts); n > 0 || err != nil {
			t.Errorf("%s: by counts %d differences, %v", name, n, err)
		}
		// Who may not write has no such proof, and is refused only where something differs.
		p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnMethod("jobs.insert"), Times: -1, Fault: bigquerytest.Forbidden})
		refused()
		p.server.Heal()
		if err := p.server.MaskColumn("test-project", "contact_centre", name, ""); err != nil {
			t.Fatal(err)
		}
		if n, err := verify(pipeline.ByRows); n > 0 || err != nil {
			t.Errorf("%s: %d differences, %v", name, n, err)
		}
	}
	if err := p.server.TagColumn("test-project", "contact_centre", "activity", "resource_id"); err != nil {
		t.Fatal(err)
	}
	if n, err := verify(pipeline.ByRows); pipeline.KindOf(err) != pipeline.Unauthorized || n > 0 {
		t.Errorf("%d differences, %v", n, err)
	}
}

// Rejects that are not there have the window written again, too.
func TestAWindowWhoseRejectsAreNotThereIsWrittenAgain(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 2, "ana"), seal(t, s, dayWindow(1), 1, 0, "bob"))
	p.spoil(t, "DELETE FROM %s._windrow_rejects WHERE position = 1")
	for i, r := range s.Commit(context.Background(), []pipeline.Sealed{seal(t, s, dayWindow(0), 2, 2, "ana"), seal(t, s, dayWindow(1), 2, 0, "bob")}) {
		if want := []pipeline.Outcome{pipeline.Committed, pipeline.Unchanged}[i]; r.Outcome != want {
			t.Errorf("window %d: outcome %d, %v", i, r.Outcome, r.Err)
		}
	}
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 3, 2, "ana"))
	if n := len(p.query(t, statement.RejectsTable, "SELECT position FROM contact_centre._windrow_rejects")); n != 2 {
		t.Errorf("%d rejects", n)
	}
}

func TestTablesThatAskForAPartitionFilterCanBeVerified(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
	p.requireFilters(t)
	p.spoil(t, "INSERT INTO %s.activity SELECT * REPLACE (window_start + INTERVAL 960 HOUR AS window_start, window_end + INTERVAL 960 HOUR AS window_end) FROM %s.activity")
	s = p.open(t, p.options())
	if got := p.verified(t, s, pipeline.ByRows); len(got) != 1 || !strings.HasPrefix(got[0], "extra") {
		t.Errorf("%q", got)
	}
	if removed, err := s.Sweep(context.Background(), agents, pipeline.Activity); err != nil || len(removed) != 1 {
		t.Errorf("%q, %v", removed, err)
	}
	if _, err := s.Holders(context.Background()); err != nil {
		t.Error(err)
	}
	// Who may not write is asked to count.
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnMethod("jobs.insert"), Times: -1, Fault: bigquerytest.Forbidden})
	if got := p.verified(t, p.open(t, p.options()), pipeline.ByRows); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
