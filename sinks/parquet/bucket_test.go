package parquet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/faults"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/sinktest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// bucketDriver runs the sink on an object store, which keeps nobody out and appends to nothing.
func bucketDriver(fresh func(testing.TB) bucketPlace) sinktest.Driver {
	return sinktest.Driver{
		New:          func(t testing.TB) sinktest.Place { return fresh(t) },
		LedgerWrites: compactEvery,
		Records:      mostRuns,
		Without:      map[sinktest.Ability]string{sinktest.Leaves: "drafts lie in the memory of their process"},
	}
}

func inMemory(testing.TB) bucketPlace { return bucketPlace{volumetest.NewBucket().Open} }

func TestTheSinkKeepsItsPromisesOnAnObjectStore(t *testing.T) {
	sinktest.Run(t, bucketDriver(inMemory))
}

// Crashes and faults at each call take long over a connection: the gate leaves them to the store in memory.
func TestWhateverBreaksTheSinkKeepsItsPromisesOnServersOfObjectStores(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	promises, kinds := []int{1, 6, 7, 8}, []storetest.Kind{storetest.GCS, storetest.S3}
	if soak.Whole() {
		promises, kinds = append(promises, 0, 2, 5), append(kinds, storetest.S3Unfenced)
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			for _, n := range promises {
				sinktest.Promise(t, bucketDriver(func(t testing.TB) bucketPlace { return served(t, kind) }), n)
			}
		})
	}
}

// served is a place in the bucket of a server.
func served(t testing.TB, kind storetest.Kind) bucketPlace {
	t.Helper()
	server, bucket := storetest.Bucket(t, kind)
	return inBucketOf(t, kind, server, bucket)
}

func inBucketOf(t testing.TB, kind storetest.Kind, server, bucket string) bucketPlace {
	t.Helper()
	address, o := "gs://"+bucket+"/tables", objectstore.Options{Private: private, Emulator: server, Now: clock}
	if kind != storetest.GCS {
		address = "s3://" + bucket + "/tables?endpoint=" + url.QueryEscape(server)
	}
	return bucketPlace{func() volume.Volume {
		v, err := objectstore.Open(context.Background(), address, o)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}}
}

// bucketPlace is a bucket that all processes share; mount opens it as another process has it.
type bucketPlace struct{ mount func() volume.Volume }

// objects is the content of every object beneath dir, by name.
func (p bucketPlace) objects(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	v, all := p.mount(), map[string][]byte{}
	names, err := v.List(context.Background(), dir)
	for _, name := range names {
		if err == nil {
			all[name], err = v.Read(context.Background(), name)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (p bucketPlace) open(t testing.TB, v volume.Volume) *Store {
	t.Helper()
	s := open(v, "bucket", Options{Now: clock})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (p bucketPlace) Open(t testing.TB) pipeline.Store { return p.open(t, p.mount()) }

func (p bucketPlace) OpenFaulty(t testing.TB, n int, after bool) (pipeline.Store, func() bool) {
	plan := &faults.Plan{N: n, After: after}
	return p.open(t, plan.Volume(p.mount())), plan.Hit
}

// copied is the bucket's objects beneath dir as a directory, where DuckDB reads them.
func (p bucketPlace) copied(t testing.TB, dir string) place {
	t.Helper()
	root := newPlace(t)
	for name, body := range p.objects(t, dir) {
		file := filepath.Join(root.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func (p bucketPlace) Rows(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) []sinktest.Row {
	t.Helper()
	return p.copied(t, table.Name).Rows(t, table, k)
}

func (p bucketPlace) Rejects(t testing.TB, k pipeline.StreamKey) []sinktest.Rejected {
	t.Helper()
	return p.copied(t, rejectsDir).Rejects(t, k)
}

func (p bucketPlace) Lose(t testing.TB, table *pipeline.Table, k pipeline.StreamKey, w pipeline.Window) {
	t.Helper()
	name, err := windowFile(table.Name, k, w)
	if err == nil {
		err = p.mount().Remove(context.Background(), volume.Object{Name: name, Version: volume.Any})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p bucketPlace) Stamp(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) string {
	t.Helper()
	var stamp []string
	for _, dir := range []string{layout.StreamDir(table.Name, k), layout.StreamDir(rejectsDir, k)} {
		names := slices.Sorted(maps.Keys(p.objects(t, dir)))
		versions, err := p.mount().Versions(context.Background(), names...)
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			stamp = append(stamp, name+" "+string(versions[i]))
		}
	}
	return strings.Join(stamp, "\n")
}

// dead is what a process that dies panics with.
type dead struct{}

// commitDying commits the windows as a process that may die in between.
func commitDying(ctx context.Context, s pipeline.Store, windows []pipeline.Sealed) (results []pipeline.Result) {
	defer func() {
		if p := recover(); p != nil && p != (dead{}) {
			panic(p)
		}
	}()
	return s.Commit(ctx, windows)
}

// staged is a reading of a window that waits to be committed.
func staged(t *testing.T, s pipeline.Store, at int, w pipeline.Window, agents []string, rejects int) pipeline.Sealed {
	t.Helper()
	ctx := context.Background()
	st, err := s.Stage(ctx, testKey, pipeline.Activity, w)
	if err != nil {
		t.Fatal(err)
	}
	if len(agents) > 0 {
		rec := agentsRecord(w, agents...)
		defer rec.Release()
		if err := st.Append(ctx, 0, rec); err != nil {
			t.Fatal(err)
		}
	}
	for n := range rejects {
		if err := st.Reject(ctx, []pipeline.Reject{{Row: int64(n + 1), At: pipeline.NoInstant, Reason: "unreadable", Raw: fmt.Sprint(at)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: w, ReadAt: pipeline.Instant(at), SyncID: pipeline.SyncID(fmt.Sprint("run-", at)), Settled: true,
		Counts: pipeline.Counts{Read: int64(len(agents) + rejects), Rows: int64(len(agents)), Rejected: int64(rejects)}}
	for _, a := range agents {
		e.Fingerprint = e.Fingerprint.Add(pipeline.FieldHash(1, []byte(a)))
	}
	e.RejectsHash = pipeline.Hash{Lo: uint64(rejects * at)}
	return pipeline.Sealed{Stage: st, Key: testKey, Table: pipeline.Activity, Entry: e}
}

// agree checks that the place holds, of each window that the ledger calls committed, what its last commit brought, and
// nothing else but rows of windows that the ledger calls open.
func (p bucketPlace) agree(t *testing.T, contents map[pipeline.SyncID][]string) {
	t.Helper()
	l, err := p.Open(t).Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[pipeline.Span][]string)
	if table := p.copied(t, pipeline.Activity.Name); len(table.tree(t, pipeline.Activity.Name)) > 0 {
		query(t, "SELECT filename, resource_id FROM "+table.table(pipeline.Activity.Name), func(rows *sql.Rows) error {
			var file, id string
			err := rows.Scan(&file, &id)
			span, ok := spanOf(file)
			if !ok {
				t.Errorf("%s is no window's file", file)
			}
			got[span] = append(got[span], id)
			return err
		})
	}
	rejects := make(map[string]int)
	for _, r := range p.Rejects(t, testKey) {
		rejects[r.Raw]++
	}
	all := pipeline.Span{Start: 0, End: pipeline.InstantOf(clock())}
	for _, e := range l.Overlapping(all) {
		if l.Dirty(e.Window.Span) {
			delete(got, e.Window.Span)
			continue
		}
		if !slices.Equal(got[e.Window.Span], contents[e.SyncID]) {
			t.Errorf("the ledger has %s of %s, and the table %q", e.SyncID, e.Window.Span, got[e.Window.Span])
		}
		delete(got, e.Window.Span)
		at := strings.TrimPrefix(string(e.SyncID), "run-")
		if n := rejects[at]; n != int(e.Counts.Rejected) {
			t.Errorf("%d rejects of %s are there, want %d", n, e.SyncID, e.Counts.Rejected)
		}
		delete(rejects, at)
	}
	if l.Dirty(all) {
		return // what an open window left is replaced with it
	}
	for span, rows := range got {
		t.Errorf("rows %q of %s belong to no window of the ledger", rows, span)
	}
	for at, n := range rejects {
		t.Errorf("%d rejects of run-%s belong to no window of the ledger", n, at)
	}
}

// tells checks that the history has one row for each commit of the ledger's log that replaced other rows. Of windows that
// are open it may have one more.
func (p bucketPlace) tells(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	store := p.Open(t).(*Store)
	log := newLedgerLog(store.volume, layout.StreamDir(ledgerDir, testKey))
	ls, err := log.list(ctx)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		sync          pipeline.SyncID
		window        pipeline.Span
		previous      pipeline.Instant
		before, after int64
	}
	want := make(map[row]bool)
	l := pipeline.NewLedger()
	for n := 1; n <= ls.last; n++ {
		body, err := store.volume.Read(ctx, ls.objects[n])
		if err != nil {
			t.Fatal(err)
		}
		_, err = log.lines.foldObject(ls.objects[n], body, l, func(e pipeline.Entry) {
			if e.Kind == pipeline.EntryCommit && !l.Yields(e) {
				r := row{e.SyncID, e.Window.Span, pipeline.NoInstant, 0, e.Counts.Rows}
				var gone pipeline.Entry
				for old := range l.WindowsOver(e.Window.Span) {
					r.previous, r.before = max(r.previous, old.ReadAt), r.before+old.Counts.Rows
					gone.Fingerprint, gone.RejectsHash = gone.Fingerprint.Add(old.Fingerprint), gone.RejectsHash.Add(old.RejectsHash)
				}
				if r.previous != pipeline.NoInstant && (gone.Fingerprint != e.Fingerprint || gone.RejectsHash != e.RejectsHash) {
					want[r] = true
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for r, err := range store.History(ctx, nil, pipeline.Span{End: pipeline.InstantOf(clock())}) {
		if err != nil {
			t.Fatal(err)
		}
		one := row{r.SyncID, r.Window, r.PreviousReadAt, r.RowsBefore, r.RowsAfter}
		if !want[one] && !l.Dirty(r.Window) {
			t.Errorf("the history tells of no commit, or twice: %+v", r)
		}
		delete(want, one)
	}
	for r := range want {
		t.Errorf("the history does not tell of %+v", r)
	}
}

// Two writers: the second does its whole commit while the first stands still at one of its points, wherever that is,
// and then goes on or dies. The third repairs what an open window left.
func TestPromise07_AnotherWriterMayComeAtAnyPoint(t *testing.T) {
	anotherWriterComes(t, inMemory)
}

// Versions that are made of contents alone do not tell what came back from what never went.
func TestPromise07_AnotherWriterMayComeAtAnyPointWhereVersionsAreOfContents(t *testing.T) {
	anotherWriterComes(t, func(testing.TB) bucketPlace { return bucketPlace{volumetest.NewTagged().Open} })
}

func anotherWriterComes(t *testing.T, fresh func(testing.TB) bucketPlace) {
	t.Helper()
	day := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	morning := window(t, "UTC", "2025-09-08T00:00:00Z", 6*time.Hour)
	rest := window(t, "UTC", "2025-09-08T06:00:00Z", 18*time.Hour)
	type write struct {
		at      int
		windows []pipeline.Window
		agents  []string
		rejects int
	}
	for name, c := range map[string]struct {
		before        []write
		first, second write
	}{
		"a newer reading": {[]write{{1, []pipeline.Window{day}, []string{"old"}, 1}},
			write{2, []pipeline.Window{day}, []string{"ana"}, 1}, write{3, []pipeline.Window{day}, []string{"bob"}, 0}},
		"an older reading": {[]write{{1, []pipeline.Window{day}, []string{"old"}, 1}},
			write{3, []pipeline.Window{day}, []string{"ana"}, 0}, write{2, []pipeline.Window{day}, []string{"bob"}, 1}},
		"a newer reading without rows, of a window never seen": {nil,
			write{2, []pipeline.Window{day}, []string{"ana"}, 1}, write{3, []pipeline.Window{day}, nil, 0}},
		"an older reading without rows, of a window never seen": {nil,
			write{3, []pipeline.Window{day}, []string{"ana"}, 1}, write{2, []pipeline.Window{day}, nil, 0}},
		"an equal reading": {[]write{{1, []pipeline.Window{day}, []string{"ana"}, 0}},
			write{2, []pipeline.Window{day}, []string{"bob"}, 0}, write{3, []pipeline.Window{day}, []string{"ana"}, 0}},
		"a window over the first's": {[]write{{1, []pipeline.Window{morning}, []string{"old"}, 1}},
			write{2, []pipeline.Window{morning, rest}, []string{"ana"}, 1}, write{3, []pipeline.Window{day}, []string{"bob"}, 0}},
		"windows beneath the first's": {[]write{{1, []pipeline.Window{day}, []string{"old"}, 1}},
			write{2, []pipeline.Window{day}, []string{"ana"}, 1}, write{3, []pipeline.Window{morning, rest}, []string{"bob"}, 0}},
		"a newer reading of what the first replaces": {[]write{{1, []pipeline.Window{morning}, []string{"old"}, 1}},
			write{2, []pipeline.Window{day}, []string{"ana"}, 1}, write{3, []pipeline.Window{morning}, []string{"bob"}, 1}},
		"a window over the first's, never seen": {nil,
			write{2, []pipeline.Window{morning, rest}, []string{"ana"}, 1}, write{3, []pipeline.Window{day}, nil, 0}},
	} {
		for _, dies := range []bool{false, true} {
			for n := 0; ; n++ {
				p := fresh(t)
				contents := make(map[pipeline.SyncID][]string)
				stageAll := func(s pipeline.Store, w write) (group []pipeline.Sealed) {
					contents[pipeline.SyncID(fmt.Sprint("run-", w.at))] = w.agents
					for i, window := range w.windows {
						rejects := 0
						if i == 0 {
							rejects = w.rejects
						}
						group = append(group, staged(t, s, w.at, window, w.agents, rejects))
					}
					return group
				}
				for _, w := range c.before {
					s := p.Open(t)
					s.Commit(context.Background(), stageAll(s, w))
				}
				passed, came := 0, ""
				ctx := pipeline.WithPoints(context.Background(), func(point string) {
					if passed++; passed != n+1 {
						return
					}
					came = point
					other := p.Open(t)
					for _, r := range other.Commit(context.Background(), stageAll(other, c.second)) {
						if r.Err != nil && !strings.Contains(r.Err.Error(), "interrupted") {
							t.Errorf("%s at %s: the second writer: %v", name, point, r.Err)
						}
					}
					if dies {
						panic(dead{})
					}
				})
				s := p.Open(t)
				group := stageAll(s, c.first)
				passed = 0 // staging passes points as well
				results := commitDying(ctx, s, group)
				if came == "" {
					break
				}
				t.Run(fmt.Sprintf("%s/%s %d/dies %v", name, came, n, dies), func(t *testing.T) {
					if !dies {
						for _, r := range results {
							if r.Err != nil && !strings.Contains(r.Err.Error(), "interrupted") {
								t.Errorf("the first writer: %v", r.Err)
							}
						}
					}
					p.agree(t, contents)
					p.tells(t)
					last := write{9, []pipeline.Window{day}, []string{"last"}, 1}
					third := p.Open(t)
					for _, r := range third.Commit(context.Background(), stageAll(third, last)) {
						if r.Outcome != pipeline.Committed || r.Err != nil {
							t.Errorf("the third writer: outcome %d, %v", r.Outcome, r.Err)
						}
					}
					p.agree(t, contents)
					p.tells(t)
				})
			}
		}
	}
}

// A writer that has not seen the newest snapshot must not create an object that the snapshot is believed to cover:
// nobody would read it.
func TestAWriterThatFellBehindFindsItsNumberTaken(t *testing.T) {
	ctx := context.Background()
	p := inMemory(t)
	note := pipeline.Entry{Kind: pipeline.EntryFail, Window: window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)}
	busy := p.Open(t)
	if err := busy.Record(ctx, testKey, note); err != nil {
		t.Fatal(err)
	}
	behind := newLedgerLog(p.mount(), layout.StreamDir(ledgerDir, testKey))
	if err := behind.refresh(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 * compactEvery {
		if err := busy.Record(ctx, testKey, note); err != nil {
			t.Fatal(err)
		}
	}
	if err := behind.append(ctx, []pipeline.Entry{note}, false); !errors.Is(err, volume.ErrChanged) {
		t.Errorf("a writer that fell behind was told %v", err)
	}
	if err := behind.record(ctx, []pipeline.Entry{note}, false); err != nil || behind.last != 2*compactEvery+2 {
		t.Errorf("its second try made object %d, %v", behind.last, err)
	}
}
