package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// noon is a Wednesday, well after every vendor's settle time for the day before.
var noon = time.Date(2025, 9, 10, 18, 0, 0, 0, time.UTC)

// site is one set of simulated vendors with their clock at a chosen time, and
// one warehouse.
type site struct {
	*testing.T
	world *vendorsim.World
	root  string // of the warehouse: a folder, or a dataset as WINDROW_SINK names it
	from  string // WINDROW_FROM
	// intraday: WINDROW_INTRADAY
	intraday bool
	env      map[string]string
	streams  []pipeline.StreamID // of a sync that names none; empty: all
	group    pipeline.Grouping   // of commits to BigQuery; zero: production's
	// sharesClock says that the warehouse has the vendors' clock, where it has one.
	sharesClock bool
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
	s := &site{T: t, world: world, root: folder(t), from: "2025-09-07", env: map[string]string{}}
	for _, pair := range running.Env() {
		name, value, _ := strings.Cut(pair, "=")
		s.env[name] = value
	}
	s.env["WINDROW_DIALPAD_POLL_FIRST"] = "10ms"
	s.env["WINDROW_DIALPAD_POLL_EVERY"] = "10ms"
	s.env["WINDROW_UCONTACT_RATE"] = "1000"
	s.env["WINDROW_CHATTONIC_RATE"] = "1000"
	s.env["WINDROW_DIALPAD_RATE"] = "1000"
	s.env["WINDROW_CHATTONIC_NPS_FROM"] = t.TempDir()
	s.env["WINDROW_CHATTONIC_NPS_COLUMNS"] = "score=Puntuación,date=Fecha,text=Comentario"
	return s
}

// withoutNPS leaves the site's bot without an inbox.
func (s *site) withoutNPS() {
	delete(s.env, "WINDROW_CHATTONIC_NPS_FROM")
	delete(s.env, "WINDROW_CHATTONIC_NPS_COLUMNS")
}

// exportNPS puts the export of all answers of the last two months into the inbox, as the vendor has them now.
func (s *site) exportNPS() {
	s.Helper()
	inbox, ok := s.env["WINDROW_CHATTONIC_NPS_FROM"]
	if !ok || s.world == nil || s.env["WINDROW_CHATTONIC_NPS_REQUEST"] == "true" { // then the vendor mails it
		return
	}
	now := s.world.Now()
	path, text := filepath.Join(inbox, "nps.csv"), []byte(s.world.NPSExport(now.AddDate(0, -2, 0), now))
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, text) {
		return
	}
	must(s.T, os.WriteFile(path+".part", text, 0o600))
	must(s.T, os.Chtimes(path+".part", now, now))
	must(s.T, os.Rename(path+".part", path)) // another run may be reading it
}

// sources builds the three connectors from the site's variables.
func (s *site) sources(clock pipeline.Clock, change ...func(*connectors.Options)) []pipeline.Source {
	s.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "WINDROW_") {
			s.Setenv(name, "")
		}
	}
	s.exportNPS()
	for name, value := range s.env {
		s.Setenv(name, value)
	}
	sources, err := openSources(clock, change...)
	if err != nil {
		s.Fatal(err)
	}
	for i := range sources {
		sources[i] = fromDay{sources[i], s.from, s.intraday}
	}
	return sources
}

// disk is the machine's.
var disk = connectors.Disk{
	Folder: func(_ context.Context, path string) (fs.FS, error) { return os.DirFS(path), nil }, Remove: os.Remove,
	Temp: func() (connectors.TempFile, error) { return os.CreateTemp("", "windrow-test-*") },
}

// openSources builds every configured connector from the environment.
func openSources(clock pipeline.Clock, change ...func(*connectors.Options)) ([]pipeline.Source, error) {
	options := connectors.Options{Account: "default", Clock: clock, Now: time.Now, RetryFor: 5 * time.Second, Disk: disk}
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
	var faults []pipeline.ConfigError
	add := func(source pipeline.Source, wrong []pipeline.ConfigError, err error) error {
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

// fromDay sets the first day of every stream, and whether it reads the open day.
type fromDay struct {
	pipeline.Source
	from     string
	intraday bool
}

func (f fromDay) Streams() []pipeline.Stream {
	streams := f.Source.Streams()
	for i := range streams {
		streams[i].From, streams[i].Intraday = f.from, f.intraday
	}
	return streams
}

// health is the program's own by default.
var health = engine.Health{MaxUnreadable: engine.RejectLimit{Share: 0.2, Setting: "WINDROW_MAX_UNREADABLE"}}

// engine returns an engine on the site's warehouse.
func (s *site) engine(streams ...string) *engine.Engine {
	s.Helper()
	e := &engine.Engine{
		Store: openRoot(s.T, s.root), Sources: s.sources(s.world.Now), Clock: s.world.Now, Now: time.Now,
		MaxRejects: engine.RejectLimit{Share: 0.01, Setting: "WINDROW_MAX_REJECTS"}, Health: health, Concurrency: 8, Group: groupOf(s.root, s.group), Streams: s.streams,
	}
	if len(streams) > 0 {
		e.Streams = nil
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

func (s *site) run(e *engine.Engine) pipeline.Summary {
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
	return s.mustRun(s.engine(streams...))
}

// mustRun is run that has to end with exit code 0.
func (s *site) mustRun(e *engine.Engine) pipeline.Summary {
	s.Helper()
	sum := s.run(e)
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
func (s *site) status(id string) plan.StreamStatus {
	s.Helper()
	states, err := s.engine(id).Status(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return states[0]
}
