package endtoend

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

var update = flag.Bool("update", false, "rewrite the counts in deploy/README.md")

// Limits of BigQuery that a run must stay far from: "Quotas and limits",
// https://cloud.google.com/bigquery/quotas
const (
	loadsPerTableAndDay = 1500
	loadsPerDay         = 100_000
	partitionsPerJob    = 4000
	partitionChangesDay = 30_000
	statementsPer10s    = 25 // DML on one table
	tablesPerScript     = 100
)

// counts is what one run used of BigQuery, as its server saw it.
type counts struct {
	windows    int
	loads      int
	scripts    int // of several statements: the transactions
	statements int // DML jobs of one statement
	reads      int // queries that write nothing

	loadsOnTable map[string]int // by destination
	jobsOn       map[string]int // that write to a table
	dml          map[string]int // statements on a table
	dmlPerJob    int            // most on one table in one job
	days         int            // partitions of data tables that jobs may modify
	daysPerJob   int            // most in one job
	tablesPerJob int            // most that one job writes to
	staged       int64          // bytes sent to load jobs
	billed       int64          // bytes
	fullScans    []string       // of data tables
}

var (
	targetPattern = regexp.MustCompile("(?:INSERT INTO|DELETE FROM|MERGE INTO|MERGE|UPDATE) `[^`]+`\\.`[^`]+`\\.`([^`]+)`")
	rangePattern  = regexp.MustCompile("`local_date` BETWEEN DATE '([0-9-]+)' AND DATE '([0-9-]+)'")
	rowsDeleted   = regexp.MustCompile("DELETE FROM `[^`]+`\\.`[^`]+`\\.`(?:activity|events)`[^;]*")
)

// count counts the jobs.
func count(t *testing.T, jobs []bigquerytest.Job) counts {
	t.Helper()
	c := counts{loadsOnTable: map[string]int{}, jobsOn: map[string]int{}, dml: map[string]int{}}
	for _, j := range jobs {
		if j.Failed() {
			t.Errorf("job %s failed: %s", j.ID, j.Message)
		}
		c.staged += j.UploadedBytes
		c.billed += j.BytesBilled
		c.tablesPerJob = max(c.tablesPerJob, len(j.Writes))
		for _, name := range j.Writes {
			_, table, _ := strings.Cut(name, ".")
			c.jobsOn[table]++
		}
		for _, name := range j.FullScans {
			if _, table, _ := strings.Cut(name, "."); table == "activity" || table == "events" {
				c.fullScans = append(c.fullScans, j.ID)
			}
		}
		switch j.Kind {
		case bigquerytest.Load:
			c.loads++
			c.loadsOnTable[j.Writes[0]]++
			c.daysPerJob = max(c.daysPerJob, int(j.Partitions))
			continue
		case bigquerytest.Script:
			c.scripts++
		case bigquerytest.DML:
			c.statements++
		default:
			c.reads++
			continue
		}
		c.addStatements(t, j.SQL)
	}
	return c
}

// addStatements counts what one job's SQL does to which table.
func (c *counts) addStatements(t *testing.T, sql string) {
	t.Helper()
	mine := map[string]int{}
	for _, m := range targetPattern.FindAllStringSubmatch(sql, -1) {
		c.dml[m[1]]++
		mine[m[1]]++
		c.dmlPerJob = max(c.dmlPerJob, mine[m[1]])
	}
	if len(mine) == 0 {
		t.Errorf("no statement is known in %.200s", sql)
	}
	days := 0
	for _, statement := range rowsDeleted.FindAllString(sql, -1) {
		for _, m := range rangePattern.FindAllStringSubmatch(statement, -1) {
			first, err := time.Parse(time.DateOnly, m[1])
			if err != nil {
				t.Fatal(err)
			}
			last, err := time.Parse(time.DateOnly, m[2])
			if err != nil {
				t.Fatal(err)
			}
			days += int(last.Sub(first)/(24*time.Hour)) + 1
		}
	}
	c.days += days
	c.daysPerJob = max(c.daysPerJob, days)
}

func most(of map[string]int) (n int) {
	for _, v := range of {
		n = max(n, v)
	}
	return n
}

func without(of map[string]int, name string) map[string]int {
	rest := maps.Clone(of)
	delete(rest, name)
	return rest
}

// within fails where the run comes near a limit.
func (c counts) within(t *testing.T) {
	t.Helper()
	for _, limit := range []struct {
		what       string
		n, allowed int
	}{
		{"load jobs on one table name in a day", most(c.loadsOnTable), loadsPerTableAndDay / 10},
		{"load jobs in a day", c.loads, loadsPerDay / 10},
		{"partitions that one job modifies", c.daysPerJob, partitionsPerJob},
		{"partition modifications in a day", c.days, partitionChangesDay / 2},
		{"DML statements of one job on one table", c.dmlPerJob, statementsPer10s / 2},
		{"DML statements on one table but the journal", most(without(c.dml, "_windrow_journal")), statementsPer10s},
		{"tables of one transaction", c.tablesPerJob, tablesPerScript / 2},
		{"data tables read without bounds on their partitions", len(c.fullScans), 0},
	} {
		if limit.n > limit.allowed {
			t.Errorf("%d %s; allowed here are %d", limit.n, limit.what, limit.allowed)
		}
	}
}

// countedRun syncs the site and counts what it used.
func (s *site) countedRun() counts {
	s.Helper()
	server := serverOf(s.T, s.root)
	before := len(server.Jobs())
	sum := s.mustSync()
	c := count(s.T, server.Jobs()[before:])
	for _, st := range sum.Streams {
		c.windows += st.Committed + st.Unchanged
	}
	c.within(s.T)
	r := sum.Receipt
	if r == nil || r.LoadJobs != c.loads || r.BytesStaged != c.staged {
		s.Errorf("the summary's receipt says %+v; %d load jobs staged %d bytes", r, c.loads, c.staged)
	}
	return c
}

// row is the line of deploy/README.md.
func (c counts) row(name string) []string {
	return []string{
		name, strconv.Itoa(c.windows), strconv.Itoa(c.loads), strconv.Itoa(c.scripts + c.statements + c.reads), strconv.Itoa(c.scripts), strconv.Itoa(c.reads),
		strconv.Itoa(most(c.loadsOnTable)), strconv.Itoa(most(c.dml)), strconv.Itoa(c.daysPerJob), megabytes(c.staged), megabytes(c.billed),
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

const (
	readme       = "../../../deploy/README.md"
	countsBegin  = "<!-- counts -->"
	countsEnd    = "<!-- /counts -->"
	countsHeader = "| run | windows | load jobs | query jobs | of them transactions | of them only reading | most load jobs on a table | most DML statements on a table | most days touched by a job | bytes staged | bytes billed |"
	countsRule   = "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)

// documented compares the rows with those of deploy/README.md, or writes them there.
// share is how far a number may be off.
func documented(t *testing.T, share float64, rows ...[]string) {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), countsBegin)
	table, after, ended := strings.Cut(rest, countsEnd)
	if !begun || !ended {
		t.Fatalf("%s has no table between %s and %s", readme, countsBegin, countsEnd)
	}
	stand := map[string][]string{}
	var order []string
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) > 1 && cells[0] != "run" && !strings.HasPrefix(cells[0], "--") {
			stand[cells[0]] = cells
			order = append(order, cells[0])
		}
	}
	for _, row := range rows {
		if *update {
			if stand[row[0]] == nil {
				order = append(order, row[0])
			}
			stand[row[0]] = row
		} else if !alike(stand[row[0]], row, share) {
			t.Errorf("%s says\n%q; measured are\n%q. go test ./cmd/windrow/endtoend -run Counts -update writes them there", readme, stand[row[0]], row)
		}
	}
	if !*update {
		return
	}
	lines := []string{countsHeader, countsRule}
	for _, name := range order {
		lines = append(lines, "| "+strings.Join(stand[name], " | ")+" |")
	}
	out := before + countsBegin + "\n" + strings.Join(lines, "\n") + "\n" + countsEnd + after
	if err := os.WriteFile(readme, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

// alike compares numbers; those with a unit may always be off by a tenth.
func alike(stands, measured []string, share float64) bool {
	return slices.EqualFunc(stands, measured, func(a, b string) bool {
		x, xUnit, _ := strings.Cut(a, " ")
		y, yUnit, _ := strings.Cut(b, " ")
		n, err := strconv.ParseFloat(x, 64)
		m, err2 := strconv.ParseFloat(y, 64)
		if err != nil || err2 != nil {
			return a == b
		}
		off := share
		if xUnit != "" {
			off = max(off, 0.1)
		}
		return xUnit == yUnit && max(n, m)-min(n, m) <= off*max(n, m)
	})
}

func TestTheCountsOfANightStandInTheReadme(t *testing.T) {
	s := newBigQuerySite(t, func(o *vendorsim.Options) {
		o.CallsPerDay, o.TextsPerDay = 0, 0 // the defaults: 120 calls and 40 texts of each call centre
		o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1
	})
	s.withoutNPS()
	s.from = "2025-09-01"
	s.mustSync()

	s.world.Advance(24 * time.Hour)
	// Yesterday was restated within the lookback.
	s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -1).Truncate(24 * time.Hour), To: noon, Seed: 99})
	night := s.countedRun()
	if night.jobsOn["activity"] == 0 || night.jobsOn["events"] == 0 {
		t.Errorf("the night changed nothing: %v", night.jobsOn)
	}

	s.world.Advance(4 * time.Hour) // the vendor's cache would answer a question of less than 3 hours ago
	still := s.countedRun()
	if still.windows == 0 || still.loads != 0 || still.jobsOn["activity"]+still.jobsOn["events"]+still.jobsOn["_windrow_rejects"] != 0 {
		t.Errorf("%d windows without a change: %d load jobs, jobs on %v", still.windows, still.loads, still.jobsOn)
	}
	if still.jobsOn["_windrow_ledger"] != 1 || still.jobsOn["_windrow_runs"] != 2 {
		t.Errorf("the ledger takes one job, and the run's beginning and end one each, not %v", still.jobsOn)
	}
	t.Logf("a night: %+v", night)
	t.Logf("without a change: %+v", still)
	documented(t, 0, night.row("a night of thirteen streams"), still.row("a night without a change"))
}
