package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

var tenant = pipeline.TenantKey{Source: "dialpad", Account: "default"}

func TestLookingCreatesNothing(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	if _, err := s.Ledger(ctx, testKey); err != nil {
		t.Error(err)
	}
	if _, err := s.Streams(ctx); err != nil {
		t.Error(err)
	}
	if _, err := s.Since(ctx, tenant, clock()); err != nil {
		t.Error(err)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Record(ctx, testKey); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(p.root))
	if err != nil || len(entries) != 0 {
		t.Errorf("looking left %v, %v", entries, err)
	}
}

func TestASinkThatIsNoDirectoryIsRefused(t *testing.T) {
	for _, sink := range []string{"", "gs://bucket/prefix", "bigquery://p/d", "file://host/dir"} {
		if _, err := Open(context.Background(), sink, Options{}); pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%q: %v", sink, err)
		}
	}
	s, err := Open(context.Background(), "file:///var/lib/x", Options{})
	if err != nil || s.Root() != "/var/lib/x" {
		t.Errorf("%v, %v", s, err)
	}
}

func TestAFileInThePlaceOfTheDirectoryIsExplained(t *testing.T) {
	p := newPlace(t)
	if err := os.WriteFile(p.root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := p.Open(t)
	for name, err := range map[string]error{
		"check":  s.Check(context.Background()),
		"record": s.Record(context.Background(), testKey, pipeline.Entry{Kind: pipeline.EntryFail}),
	} {
		if pipeline.KindOf(err) != pipeline.SinkFailed || !strings.Contains(err.Error(), "a file stands where a directory is needed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultsOfTheFileSystemComeWithAHint(t *testing.T) {
	tests := []struct {
		name string
		err  error
		kind pipeline.Kind
		hint string
	}{
		{"permission", &fs.PathError{Op: "open", Path: "/w", Err: syscall.EACCES}, pipeline.SinkFailed, "owner or mode"},
		{"read-only", &fs.PathError{Op: "open", Path: "/w", Err: syscall.EROFS}, pipeline.Unwritable, "read-only"},
		{"file size limit", &fs.PathError{Op: "write", Path: "/w", Err: syscall.EFBIG}, pipeline.Unwritable, "a file may not grow that large"},
		{"full disk", errors.Join(&fs.PathError{Op: "write", Path: "/w", Err: syscall.ENOSPC}), pipeline.Unwritable, "disk is full"},
		{"a lock that is held", &volume.LockedError{Holder: "pid 7 on night since noon"}, pipeline.Locked, "pid 7 on night since noon (run sync again"},
		{"no locks", &fs.PathError{Op: "flock", Path: "/w", Err: syscall.ENOLCK}, pipeline.SinkFailed, "keeps no locks"},
		{"a signal", context.Canceled, pipeline.Stopped, ""},
		{"anything else", errors.New("odd"), pipeline.SinkFailed, ""},
		{"a known error", &pipeline.Error{Op: "x", Kind: pipeline.Invalid}, pipeline.Invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := classify("write", tt.err)
			if pipeline.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v is of kind %s", err, pipeline.KindOf(err))
			}
		})
	}
	if classify("write", nil) != nil {
		t.Error("no error became one")
	}
}

func TestNamesThatLeadOutOfTheirFolderAreRefused(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	for _, name := range []string{"", "..", "a/b", `a\b`, "a=b"} {
		k := pipeline.StreamKey{Account: pipeline.AccountID(name), Stream: "dialpad.calls"}
		if _, err := s.Ledger(ctx, k); err == nil {
			t.Errorf("account %q was taken", name)
		}
		if err := s.AppendRun(ctx, pipeline.Summary{SyncID: pipeline.SyncID(name)}); err == nil {
			t.Errorf("run %q was taken", name)
		}
		if err := s.Add(ctx, pipeline.Note{Tenant: pipeline.TenantKey{Source: "dialpad", Account: pipeline.AccountID(name)}}); err == nil {
			t.Errorf("tenant %q was taken", name)
		}
	}
}

func TestTheLedgerStaysSmallAndReadable(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	writer, reader := p.Open(t), p.Open(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // reads while objects come and go
		for n := 0; ; n++ {
			s := reader
			if n%2 == 0 {
				s = p.Open(t)
			}
			if _, err := s.Ledger(ctx, testKey); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	const writes = 300
	w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
	day := pipeline.Window{Span: pipeline.Span{Start: w.Start, End: w.Start}, Zone: "UTC"}
	origin := day
	origin.Start, origin.End = day.Start.Add(-time.Hour), day.Start.Add(-time.Hour)
	if err := writer.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryOrigin, Window: origin}, pipeline.Entry{Kind: pipeline.EntryFirst, Window: day}); err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		if err := writer.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, Note: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wg.Wait()
	l, err := reader.Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := l.Failed(w.Span); !ok || e.Note != fmt.Sprint(writes-1) {
		t.Errorf("the last failure is %+v, %v", e, ok)
	}
	if l, err = p.Open(t).Ledger(ctx, testKey); err != nil {
		t.Fatal(err)
	}
	first, _ := l.First()
	if o, _ := l.Origin(); first != day.Start || o != origin.Start {
		t.Errorf("the sum of the objects has first day %s and origin %s", first, o)
	}
	if names := p.names(t, ledgerDir); len(names) > compactEvery+1 {
		t.Errorf("%d objects are left of %d", len(names), writes)
	}
}

func TestAGapInTheLedgerIsDamage(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
	s := p.Open(t)
	for range 3 {
		if err := s.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w}); err != nil {
			t.Fatal(err)
		}
	}
	names := p.names(t, ledgerDir)
	if err := os.Remove(filepath.Join(p.root, names[1])); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(t).Ledger(ctx, testKey); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "number 2") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(p.root, names[1]), []byte(`{"kind":"fa`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(t).Ledger(ctx, testKey); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
}

// A process that was away sees a snapshot in the place of objects it never read.
func TestAStoreThatWasAwayCatchesUp(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	away, busy := p.Open(t), p.Open(t)
	day := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	mustCommit(t, away, 1, day, []string{"ana"})
	for i := range 2 * compactEvery {
		w := window(t, "UTC", "2025-09-10T00:00:00Z", time.Hour)
		if err := busy.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, Note: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	mustCommit(t, away, 2, day, []string{"ana", "bob"})
	l, err := busy.Ledger(ctx, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := l.Live(day.Span); !ok || e.Counts.Rows != 2 {
		t.Errorf("%+v, %v", e, ok)
	}
}

func TestStoppingHalfwayKeepsWhatIsCommittedAndBeginsNothing(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	var sealed []pipeline.Sealed
	for i := range 3 {
		w := window(t, "UTC", fmt.Sprintf("2025-09-%02dT00:00:00Z", 8+i), 24*time.Hour)
		st, err := s.Stage(context.Background(), testKey, pipeline.Activity, w)
		if err != nil {
			t.Fatal(err)
		}
		rec := agentsRecord(w, "ana")
		defer rec.Release()
		appended := st.Append(context.Background(), 0, rec)
		_, sealErr := st.Seal(context.Background())
		if err := errors.Join(appended, sealErr); err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, pipeline.Sealed{Stage: st, Key: testKey, Table: pipeline.Activity,
			Entry: pipeline.Entry{Kind: pipeline.EntryCommit, Window: w, ReadAt: 1, Counts: pipeline.Counts{Rows: 1}}})
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := s.Commit(pipeline.WithPoints(ctx, func(name string) {
		if name == "parquet.data-renamed" {
			cancel()
		}
	}), sealed)
	if results[0].Outcome != pipeline.Committed || results[0].Err != nil {
		t.Errorf("the window that had begun: %d, %v", results[0].Outcome, results[0].Err)
	}
	for _, r := range results[1:] {
		if r.Outcome != pipeline.Failed || pipeline.KindOf(r.Err) != pipeline.Stopped {
			t.Errorf("a window after the signal: %d, %v", r.Outcome, r.Err)
		}
	}
	if n := len(p.names(t, "activity")); n != 1 {
		t.Errorf("%d files", n)
	}
	l, err := p.Open(t).Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := l.Live(sealed[0].Entry.Window.Span); !ok || !l.Dirty(sealed[1].Entry.Window.Span) {
		t.Error("the ledger disagrees")
	}
}

func TestACommitWaitsForTheLockAsLongAsItsContextLives(t *testing.T) {
	p := newPlace(t)
	holder := p.Open(t).(*Store)
	w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
	held := holder.volume.Update(context.Background(), func(context.Context, bool) error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if err := p.Open(t).Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		return nil
	})
	if held != nil {
		t.Fatal(held)
	}
	if err := p.Open(t).Record(context.Background(), testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: w}); err != nil {
		t.Error(err)
	}
}
