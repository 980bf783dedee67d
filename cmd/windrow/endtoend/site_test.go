package endtoend

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// noon is a Wednesday, well after every vendor's settle time for the day before.
var noon = time.Date(2025, 9, 10, 18, 0, 0, 0, time.UTC)

// site is one set of simulated vendors with their clock at a chosen time, and
// one warehouse.
type site struct {
	*testing.T
	world *vendorsim.World
	root  string
	from  string // WINDROW_FROM
	env   map[string]string
}

// newSite starts the vendors with the clock standing at now; three days are due.
func newSite(t *testing.T, change ...func(*vendorsim.Options)) *site {
	t.Helper()
	o := vendorsim.Options{Seed: 7, CallsPerDay: 40, TextsPerDay: 15}
	o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
	for _, f := range change {
		f(&o)
	}
	world := vendorsim.New(o)
	world.SetNow(noon)
	running, err := world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running.Close)
	s := &site{T: t, world: world, root: filepath.Join(t.TempDir(), "warehouse"), from: "2025-09-07", env: map[string]string{}}
	for _, pair := range running.Env() {
		name, value, _ := strings.Cut(pair, "=")
		s.env[name] = value
	}
	s.env["WINDROW_DIALPAD_POLL_FIRST"] = "10ms"
	s.env["WINDROW_DIALPAD_POLL_EVERY"] = "10ms"
	s.env["WINDROW_UCONTACT_RATE"] = "1000"
	s.env["WINDROW_CHATTONIC_RATE"] = "1000"
	s.env["WINDROW_DIALPAD_RATE"] = "1000"
	return s
}

// sources builds the three connectors from the site's variables.
func (s *site) sources(clock pipeline.Clock, change ...func(*connectors.Options)) []pipeline.Source {
	s.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "WINDROW_") {
			s.Setenv(name, "")
		}
	}
	for name, value := range s.env {
		s.Setenv(name, value)
	}
	sources, err := openSources(clock, change...)
	if err != nil {
		s.Fatal(err)
	}
	for i := range sources {
		sources[i] = fromDay{sources[i], s.from}
	}
	return sources
}

// openSources builds every configured connector from the environment.
func openSources(clock pipeline.Clock, change ...func(*connectors.Options)) ([]pipeline.Source, error) {
	options := connectors.Options{Account: "default", Clock: clock, Now: time.Now, RetryFor: 5 * time.Second}
	for _, f := range change {
		f(&options)
	}
	var u ucontact.Config
	var c chattonic.Config
	var d dialpad.Config
	for prefix, spec := range map[string]any{"WINDROW_UCONTACT_": &u, "WINDROW_CHATTONIC_": &c, "WINDROW_DIALPAD_": &d} {
		if err := config.Fill(prefix, spec); err != nil {
			return nil, err
		}
	}
	var sources []pipeline.Source
	var faults []pipeline.Fault
	add := func(source pipeline.Source, wrong []pipeline.Fault, err error) error {
		faults = append(faults, wrong...)
		if err == nil && len(wrong) == 0 {
			sources = append(sources, source)
		}
		return err
	}
	if u.Configured() {
		settings, wrong := u.Settings("WINDROW_UCONTACT_")
		source, err := ucontact.New(settings, options)
		if err := add(source, wrong, err); err != nil {
			return nil, err
		}
	}
	if c.Configured() {
		settings, wrong := c.Settings("WINDROW_CHATTONIC_")
		source, err := chattonic.New(settings, options)
		if err := add(source, wrong, err); err != nil {
			return nil, err
		}
	}
	if d.Configured() {
		settings, wrong := d.Settings("WINDROW_DIALPAD_")
		source, err := dialpad.New(settings, options)
		if err := add(source, wrong, err); err != nil {
			return nil, err
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("configuration: %v", faults)
	}
	return sources, nil
}

// fromDay sets the first day of every stream.
type fromDay struct {
	pipeline.Source
	from string
}

func (f fromDay) Streams() []pipeline.Stream {
	streams := f.Source.Streams()
	for i := range streams {
		streams[i].From = f.from
	}
	return streams
}

// engine returns an engine on the site's warehouse.
func (s *site) engine(streams ...string) *pipeline.Engine {
	s.Helper()
	store, err := parquet.Open(s.Context(), s.root, parquet.Options{})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = store.Close() })
	e := &pipeline.Engine{
		Store: store, Sources: s.sources(s.world.Now), Clock: s.world.Now, Now: time.Now,
		MaxRejects: 0.01, Concurrency: 8,
	}
	for _, id := range streams {
		e.Streams = append(e.Streams, pipeline.StreamID(id))
	}
	return e
}

// sync runs the streams (none: all) and returns the summary.
func (s *site) sync(streams ...string) pipeline.Summary {
	s.Helper()
	return s.run(s.engine(streams...))
}

func (s *site) run(e *pipeline.Engine) pipeline.Summary {
	s.Helper()
	sum, err := e.Sync(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return sum
}

// mustSync is sync that has to end with exit code 0.
func (s *site) mustSync(streams ...string) pipeline.Summary {
	s.Helper()
	sum := s.sync(streams...)
	if sum.Exit != 0 {
		s.Fatalf("exit %d: %s", sum.Exit, failures(sum))
	}
	return sum
}

func failures(sum pipeline.Summary) string {
	var b strings.Builder
	for _, st := range sum.Streams {
		for _, e := range st.Errors {
			fmt.Fprintf(&b, "\n%s: %s", st.Stream, e.Message)
		}
	}
	return b.String()
}

func streamOf(t *testing.T, sum pipeline.Summary, id string) pipeline.StreamSummary {
	t.Helper()
	i := slices.IndexFunc(sum.Streams, func(s pipeline.StreamSummary) bool { return string(s.Stream) == id })
	if i < 0 {
		t.Fatalf("no stream %s in the summary", id)
	}
	return sum.Streams[i]
}

// status returns the status of one stream.
func (s *site) status(id string) pipeline.StreamStatus {
	s.Helper()
	states, err := s.engine(id).Status(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return states[0]
}

// query runs SQL over the warehouse and returns the rows as text, tab between
// columns. {activity} and {events} stand for the tables.
func query(t *testing.T, root, text string) []string {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"activity", "events"} {
		glob := filepath.Join(root, table, "**", "*.parquet")
		text = strings.ReplaceAll(text, "{"+table+"}", fmt.Sprintf("read_parquet('%s', hive_partitioning=true, union_by_name=true)", glob))
	}
	rows, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		cells := make([]any, len(names))
		for i := range cells {
			cells[i] = new(any)
		}
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		var line bytes.Buffer
		for i, c := range cells {
			if i > 0 {
				line.WriteByte('\t')
			}
			fmt.Fprint(&line, *c.(*any))
		}
		out = append(out, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *site) query(text string) []string {
	s.Helper()
	return query(s.T, s.root, text)
}

// contents is every row of both tables without the lineage that differs from
// run to run, in a fixed order.
func contents(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	for _, table := range []string{"activity", "events"} {
		if files, _ := filepath.Glob(filepath.Join(root, table, "*")); len(files) == 0 {
			continue
		}
		all = append(all, query(t, root, "SELECT to_json(t)::VARCHAR FROM (SELECT * EXCLUDE (extracted_at, sync_id) FROM {"+table+"}) t ORDER BY 1")...)
	}
	return all
}

func (s *site) contents() []string {
	s.Helper()
	return contents(s.T, s.root)
}

// sameRows fails with the first differences between two warehouses.
func sameRows(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	count := make(map[string]int)
	for _, r := range got {
		count[r]++
	}
	for _, r := range want {
		count[r]--
	}
	shown := 0
	for r, n := range count {
		if n != 0 && shown < 6 {
			t.Errorf("%+d × %.400s", n, r)
			shown++
		}
	}
	t.Fatalf("%d rows, want %d", len(got), len(want))
}

// files lists every file below the root that is data, with its size and time.
func (s *site) files() map[string]string {
	s.Helper()
	out := make(map[string]string)
	for _, table := range []string{"activity", "events"} {
		err := filepath.Walk(filepath.Join(s.root, table), func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				out[path] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
	}
	return out
}
