package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// counted counts what a store asks of its volume.
type counted struct {
	volume.Volume

	mu                 sync.Mutex
	lists, reads       int
	listed, bytes      int            // names and bytes that came back
	snapshotsCreated   int            // by this store
	listedBeneathTable map[string]int // calls by table
}

func (c *counted) note(list bool, names, bytes int, dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed += names
	c.bytes += bytes
	if !list {
		c.reads++
		return
	}
	c.lists++
	table, _, _ := strings.Cut(dir, "/source=")
	if c.listedBeneathTable == nil {
		c.listedBeneathTable = map[string]int{}
	}
	c.listedBeneathTable[table]++
}

func (c *counted) List(ctx context.Context, dir string) ([]string, error) {
	names, err := c.Volume.List(ctx, dir)
	c.note(true, len(names), 0, dir)
	return names, err
}

func (c *counted) Between(ctx context.Context, dir, first, last string) ([]string, error) {
	names, err := c.Volume.Between(ctx, dir, first, last)
	c.note(true, len(names), 0, dir)
	return names, err
}

func (c *counted) Read(ctx context.Context, name string) ([]byte, error) {
	body, err := c.Volume.Read(ctx, name)
	c.note(false, 0, len(body), name)
	return body, err
}

func (c *counted) Draft(ctx context.Context) (volume.Draft, error) {
	d, err := c.Volume.Draft(ctx)
	return countedDraft{d, c}, err
}

type countedDraft struct {
	volume.Draft
	counted *counted
}

func (d countedDraft) Publish(ctx context.Context, name string, over volume.Version) error {
	if strings.HasSuffix(name, snapshotSuffix) {
		d.counted.mu.Lock()
		d.counted.snapshotsCreated++
		d.counted.mu.Unlock()
	}
	return d.Draft.Publish(ctx, name, over)
}

func (p place) openCounted(t testing.TB) (*Store, *counted) {
	t.Helper()
	c := &counted{Volume: volume.NewLocal(p.root, private)}
	s := open(c, p.root, Options{Now: clock})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// history is n settled windows that end before 2025-09-08.
func history(t testing.TB, n int, length time.Duration) []pipeline.Entry {
	last := window(t, "UTC", "2025-09-08T00:00:00Z", length)
	entries := make([]pipeline.Entry, 0, n)
	for i := n; i > 0; i-- {
		back := -time.Duration(i) * length
		w := pipeline.Window{Span: pipeline.Span{Start: last.Start.Add(back), End: last.End.Add(back)}, Zone: "UTC"}
		entries = append(entries, pipeline.Entry{
			Kind: pipeline.EntryCommit, Window: w, SyncID: pipeline.SyncID(fmt.Sprintf("20250908T000000Z-%08x", i)),
			ExtractedAt: w.End.Add(3 * time.Hour), ReadAt: w.End.Add(3 * time.Hour), CommittedAt: w.End.Add(3*time.Hour + 1234567*time.Microsecond),
			Settled: true, Counts: pipeline.Counts{Read: 24, Rows: 24}, Settings: "abc", HasData: true, Staged: 9000,
			Fingerprint: pipeline.Hash{Hi: uint64(i) * 0x9e3779b97f4a7c15, Lo: uint64(i)},
		})
	}
	return entries
}

// writeHistory records the windows in groups, and makes their files.
func (p place) writeHistory(t testing.TB, s *Store, entries []pipeline.Entry) {
	t.Helper()
	for begin := 0; begin < len(entries); begin += 256 {
		if err := s.Record(context.Background(), testKey, entries[begin:min(begin+256, len(entries))]...); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		name, err := windowFile(pipeline.Activity.Name, testKey, e.Window)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(p.root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALongHistoryIsReadWithOneListingAndFewObjects(t *testing.T) {
	p := newPlace(t)
	writer, _ := p.openCounted(t)
	const windows = 100_000
	entries := history(t, windows, time.Hour)
	for begin := 0; begin < windows; begin += 512 {
		if err := writer.Record(context.Background(), testKey, entries[begin:min(begin+512, windows)]...); err != nil {
			t.Fatal(err)
		}
	}
	s, c := p.openCounted(t)
	l, err := s.Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	st := plan.Status(pipeline.Stream{Key: testKey, Calendar: pipeline.Calendar{Unit: calendar.Hours, Zone: time.UTC}}, l, entries[windows-1].Window.End, plan.Kept{})
	if st.Settled != windows || st.Rows != 24*windows {
		t.Errorf("the ledger has %d windows and %d rows", st.Settled, st.Rows)
	}
	if c.lists != 1 || c.reads > mostObjects+1 || c.listed > mostObjects+1 {
		t.Errorf("%d listings of %d names and %d reads", c.lists, c.listed, c.reads)
	}
	if c.bytes > 20<<20 {
		t.Errorf("%d bytes were read of %d windows", c.bytes, windows)
	}
	if _, err := s.Ledger(context.Background(), testKey); err != nil || c.lists != 2 || c.reads > mostObjects+1 {
		t.Errorf("looking again: %d listings, %d reads, %v", c.lists, c.reads, err)
	}
	for range mostObjects / 2 { // which no snapshot sums up
		if err := writer.Record(context.Background(), testKey, entries[windows-1]); err != nil {
			t.Fatal(err)
		}
	}
	if waited, calls := p.waitsFor(t); calls < mostObjects/4 || calls > mostObjects+2 || waited > time.Second {
		t.Errorf("%d calls to a store %s away, which took %s", calls, away, waited)
	}
}

// askedOfANight is what the commits of one night ask of the files.
func askedOfANight(t *testing.T, years int) *counted {
	t.Helper()
	p := newPlace(t)
	writer, _ := p.openCounted(t)
	entries := history(t, years*365, 24*time.Hour)
	p.writeHistory(t, writer, entries)
	s, c := p.openCounted(t)
	for i := range 3 { // two days again, and a new one
		w := window(t, "UTC", fmt.Sprintf("2025-09-%02dT00:00:00Z", 6+i), 24*time.Hour)
		if r := commitAgents(t, context.Background(), s, int(clock().UnixMicro())+i, w, []string{"ana"}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return c
}

func TestTheCommitsOfANightListNoMoreOfALongerHistory(t *testing.T) {
	short, long := askedOfANight(t, 4), askedOfANight(t, 12)
	if long.lists != short.lists || long.listed > short.listed+2*mostObjects || long.reads > mostObjects+10 {
		t.Errorf("of 4 years: %d listings of %d names, %d reads; of 12: %d of %d, %d", short.lists, short.listed, short.reads, long.lists, long.listed, long.reads)
	}
	if n := long.listedBeneathTable[pipeline.Activity.Name]; n != 1 {
		t.Errorf("the table was listed %d times", n)
	}
}

func TestFilesOfUnknownWindowsAreFoundOnDaysLookedAtLater(t *testing.T) {
	p := newPlace(t)
	early := window(t, "UTC", "2020-03-01T00:00:00Z", 12*time.Hour)
	late := window(t, "UTC", "2025-09-20T00:00:00Z", 12*time.Hour)
	long := window(t, "UTC", "2024-01-01T00:00:00Z", 366*24*time.Hour)
	s := p.Open(t)
	for _, w := range []pipeline.Window{early, late, long} {
		mustCommit(t, s, 1, w, []string{"ana"})
	}
	if err := os.RemoveAll(filepath.Join(p.root, ledgerDir)); err != nil {
		t.Fatal(err)
	}
	s = p.Open(t)
	for _, start := range []string{"2024-12-31T00:00:00Z", "2020-03-01T00:00:00Z", "2025-09-20T00:00:00Z"} {
		mustCommit(t, s, 2, window(t, "UTC", start, 24*time.Hour), []string{"bob"})
	}
	const at = "activity/source=ucontact/account=default/stream=ucontact.agents/"
	if got, want := p.names(t, "activity"), []string{
		at + "date=2020-03-01/20200301T000000Z_20200302T000000Z.parquet",
		at + "date=2024-12-31/20241231T000000Z_20250101T000000Z.parquet",
		at + "date=2025-09-20/20250920T000000Z_20250921T000000Z.parquet",
	}; !slices.Equal(got, want) {
		t.Errorf("the table's files are\n%q\nwant\n%q", got, want)
	}
}

// A folder of the table or of the rejects may be a link: a commit finds the files of unknown windows behind it, and fails
// where it leads nowhere.
func TestFilesOfUnknownWindowsAreFoundBehindLinks(t *testing.T) {
	for what, link := range map[string]func(l looked) string{
		"a stream of the table": func(l looked) string { return filepath.Dir(filepath.Dir(l.data[0])) },
		"a day of the table":    func(l looked) string { return filepath.Dir(l.data[0]) },
		"a day of rejects":      func(l looked) string { return filepath.Dir(l.rejects[0]) },
	} {
		l := newLooked(t)
		day, moved := link(l), filepath.Join(l.root, "moved")
		err := errors.Join(os.Rename(day, moved), os.Symlink(moved, day), os.RemoveAll(filepath.Join(l.root, ledgerDir)))
		if err != nil {
			t.Fatal(err)
		}
		half := window(t, "UTC", "2025-09-08T06:00:00Z", 6*time.Hour)
		mustCommit(t, l.Open(t), 3, half, []string{"bob"})
		for _, gone := range []string{l.data[0], l.rejects[0]} {
			if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %s is left beside the window that overlaps it: %v", what, gone, err)
			}
		}
		if err := os.RemoveAll(moved); err != nil {
			t.Fatal(err)
		}
		s := l.Open(t)
		got := s.Commit(t.Context(), []pipeline.Sealed{sealAgents(t, s, 4, half, []string{"cy"})})
		if got[0].Outcome != pipeline.Failed || !strings.Contains(fmt.Sprint(got[0].Err), "leads nowhere") {
			t.Errorf("%s: a link that leads nowhere: outcome %d, %v", what, got[0].Outcome, got[0].Err)
		}
	}
}

func TestTheSumOfALongHistoryIsNotWrittenForEveryFewObjects(t *testing.T) {
	p := newPlace(t)
	s, c := p.openCounted(t)
	ctx := context.Background()
	for range compactEvery { // their sum is the first snapshot
		if err := s.Record(ctx, testKey, history(t, 5000, time.Hour)...); err != nil {
			t.Fatal(err)
		}
	}
	if c.snapshotsCreated != 1 {
		t.Fatalf("%d snapshots after %d objects", c.snapshotsCreated, compactEvery)
	}
	w := window(t, "UTC", "2025-09-10T00:00:00Z", time.Hour)
	for i := range 3 * mostObjects {
		if err := s.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, Note: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if c.snapshotsCreated != 4 {
		t.Errorf("%d snapshots were written, want one for each %d objects", c.snapshotsCreated, mostObjects)
	}
	if n := len(p.names(t, ledgerDir)); n > mostObjects+1 {
		t.Errorf("%d objects are left", n)
	}
	if l, err := p.Open(t).Ledger(ctx, testKey); err != nil {
		t.Error(err)
	} else if e, ok := l.Failed(w.Span); !ok || e.Note != fmt.Sprint(3*mostObjects-1) {
		t.Errorf("the last failure is %+v", e)
	}
}
