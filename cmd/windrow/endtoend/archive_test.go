package endtoend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	bodies "github.com/windrow-data/windrow/sinks/archive"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// childReplay makes the child a replay, without a vendor.
const childReplay = "ENDTOEND_REPLAY"

// archiveOf is the archive beside the tables of a directory or a bucket; nil of any other store.
func archiveOf(store pipeline.Store) *bodies.Store {
	if tables, ok := store.(*parquet.Store); ok {
		return bodies.Beneath(tables.Volume(), parquet.ArchiveDir)
	}
	return nil
}

// keptBodies finds what is kept, with the streams of these sources.
type keptBodies struct {
	kept    *bodies.Store
	sources []pipeline.Source
}

func (f keptBodies) Find(ctx context.Context, k pipeline.StreamKey, committed []pipeline.Entry, failed func(pipeline.Window) bool) ([]pipeline.Rereading, []pipeline.Unkept, error) {
	of, err := archive.Load(ctx, f.kept, k)
	if err != nil {
		return nil, nil, err
	}
	again, unkept := of.Find(committed, failed, func(map[string]string) pipeline.Stream {
		for _, source := range f.sources {
			for _, s := range source.Streams() {
				if s.Key == k {
					return s
				}
			}
		}
		return pipeline.Stream{Key: k}
	})
	return again, unkept, nil
}

func everyAccount(pipeline.AccountID) bool { return true }

// wholeArchive fails where the archive beside the tables has a body that cannot be read, or a description without one.
func (s *site) wholeArchive() {
	s.Helper()
	if isBigQuery(s.root) {
		return
	}
	store, err := openStore(s.Context(), s.root, endpointOf(s.T, s.root), "", s.world.Now)
	if err != nil {
		s.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing was written
	keys, err := store.Streams(s.Context())
	if err != nil || len(keys) == 0 {
		s.Fatal(keys, err)
	}
	for _, k := range keys {
		n := 0
		for d, err := range archiveOf(store).Documents(s.Context(), k) {
			if err = errors.Join(err, d.Err); err == nil {
				err = readAll(s.Context(), d)
			}
			if err != nil {
				s.Errorf("%s: %s: %v", k, d.Name, err)
			}
			n++
		}
		if n == 0 {
			s.Errorf("%s: nothing was kept", k)
		}
	}
}

func readAll(ctx context.Context, d archive.Document) error {
	body, err := d.Open(ctx)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, body)
	return errors.Join(err, body.Close())
}

// lost is a warehouse of the site that was synced, and lost its tables since. Its ledger knows that.
func (s *site) lost(t *testing.T) *site {
	t.Helper()
	one := s.empty(t)
	if err := one.spawn(one.root, trueClock).Wait(); err != nil {
		t.Fatal(err)
	}
	changing(t, one.root, func(dir string) {
		for _, table := range pipeline.Tables() {
			must(t, os.RemoveAll(filepath.Join(dir, table.Name)))
		}
	})
	store, err := openStore(t.Context(), one.root, endpointOf(t, one.root), "", s.world.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // what was recorded is durable
	keys, err := store.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		l, err := store.Ledger(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		var reopened []pipeline.Entry
		for e := range l.Windows(pipeline.NoInstant) {
			reopened = append(reopened, pipeline.Entry{Kind: pipeline.EntryReopen, Window: e.Window, Order: e.Order, ReadAt: e.ReadAt, SyncID: e.SyncID, Note: "lost"})
		}
		if err := store.Record(t.Context(), k, reopened...); err != nil {
			t.Fatal(err)
		}
	}
	return one
}

func TestPromise02_AReplayThatIsKilledAtEveryNamedPointIsMadeGoodByTheNext(t *testing.T) {
	s := smallKillSite(t, newSite)
	trace := filepath.Join(t.TempDir(), "trace")
	first := s.lost(t)
	if err := first.spawn(first.root, trueClock, childReplay+"=yes", childTrace+"="+trace).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.spawn(s.root, trueClock).Wait(); err != nil {
		t.Fatal(err)
	}
	want := s.past()
	sameRows(t, first.past(), want)
	passes := killtest.Passes(t, trace)
	if len(passes) < 4 || strings.Contains(fmt.Sprint(passes), "archive.") {
		t.Fatalf("a replay passes %v", passes)
	}
	for _, name := range slices.Sorted(maps.Keys(passes)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := s.lost(t)
			if err := one.spawn(one.root, trueClock, childReplay+"=yes", fmt.Sprintf("%s=%s#1", childPoint, name)).Wait(); !killtest.Killed(err) {
				t.Fatalf("the replay was not killed: %v", err)
			}
			if err := one.spawn(one.root, trueClock, childReplay+"=yes").Wait(); err != nil {
				t.Fatal(err)
			}
			sameRows(t, one.past(), want)
		})
	}
}

// verdicts counts the readings that the archive of a directory has of a stream, by what their reader thought of them.
func (s *site) verdicts(k pipeline.StreamKey) map[archive.Verdict]int {
	s.Helper()
	store, err := openStore(s.Context(), s.root, "", "", s.world.Now)
	if err != nil {
		s.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // nothing was written
	n := make(map[archive.Verdict]int)
	for d, err := range archiveOf(store).Documents(s.Context(), k) {
		if err != nil {
			s.Fatal(err)
		}
		if d.Err == nil { // else a kill has left it, and the next run takes it away
			for _, r := range d.Readings {
				n[r.Verdict]++
			}
		}
	}
	return n
}

func TestPromise02_ARefusedBodyIsKeptMarkedOrNotAtAllWhereverTheSyncIsKilled(t *testing.T) {
	s := smallKillSite(t, newSite)
	s.streams = []pipeline.StreamID{"ucontact.agents"}
	if err := s.spawn(s.root, trueClock).Wait(); err != nil {
		t.Fatal(err)
	}
	want, k := s.past(), pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}
	refuse := func() {
		s.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultReplace, Body: "<html><title>Sign in</title></html>", Times: -1})
	}
	refuse()
	first, trace := s.empty(t), filepath.Join(t.TempDir(), "trace")
	if err := first.spawn(first.root, trueClock, childTrace+"="+trace).Wait(); err == nil {
		t.Fatal("a page was taken for a report")
	}
	whole := first.verdicts(k)
	if whole[archive.Broken] == 0 || len(whole) != 1 {
		t.Fatalf("kept are %v", whole)
	}
	var points []string
	for name := range killtest.Passes(t, trace) {
		if strings.HasPrefix(name, "archive.") {
			points = append(points, name)
		}
	}
	if len(points) < 3 {
		t.Fatalf("a refused body passes %v", points)
	}
	for _, name := range points {
		t.Run(name, func(t *testing.T) { // one by one: they share the vendor that refuses
			one := s.empty(t)
			s.world.ClearFaults()
			refuse()
			if err := one.spawn(one.root, trueClock, fmt.Sprintf("%s=%s#1", childPoint, name)).Wait(); !killtest.Killed(err) {
				t.Fatalf("the sync was not killed: %v", err)
			}
			if n := one.verdicts(k); n[archive.Broken] > whole[archive.Broken] || n[archive.Sound] > 0 {
				t.Errorf("after the kill %v are kept, of %v", n, whole)
			}
			s.world.ClearFaults()
			if err := one.spawn(one.root, trueClock).Wait(); err != nil {
				t.Fatal(err)
			}
			sameRows(t, one.past(), want)
			one.wholeArchive()
		})
	}
}
