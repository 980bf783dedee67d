package parquet

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// looked are three windows in a place: one with rows and rejects, one that lost its rows and has a file that says so,
// one that never had any.
type looked struct {
	place
	windows [3]pipeline.Window
	data    [3]string // paths
	rejects [3]string
}

func newLooked(t testing.TB) looked {
	t.Helper()
	l := looked{place: newPlace(t)}
	for i := range l.windows {
		l.windows[i] = window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
		l.windows[i].Start, l.windows[i].End = l.windows[i].Start.Add(time.Duration(i)*24*time.Hour), l.windows[i].End.Add(time.Duration(i)*24*time.Hour)
		for parent, path := range map[string]*string{pipeline.Activity.Name: &l.data[i], rejectsDir: &l.rejects[i]} {
			name, err := windowFile(parent, testKey, l.windows[i])
			if err != nil {
				t.Fatal(err)
			}
			*path = filepath.Join(l.root, name)
		}
	}
	mustCommit(t, l.Open(t), 1, l.windows[1], []string{"gone"})
	l.commit(t, 2, pipeline.Committed, pipeline.Committed, pipeline.Committed)
	return l
}

// commit commits all windows as one reading.
func (l looked) commit(t testing.TB, at int, want ...pipeline.Outcome) []pipeline.Result {
	t.Helper()
	s := l.Open(t)
	results := s.Commit(context.Background(), []pipeline.Sealed{
		sealAgents(t, s, at, l.windows[0], []string{"ana", "bob"}, pipeline.Reject{Row: 1, Reason: "no key"}),
		sealAgents(t, s, at, l.windows[1], nil),
		sealAgents(t, s, at, l.windows[2], nil),
	})
	for i, r := range results {
		if r.Outcome != want[i] || (r.Err != nil) != (want[i] == pipeline.Failed) {
			t.Errorf("window %d of reading %d: outcome %d, want %d (%v)", i, at, r.Outcome, want[i], r.Err)
		}
	}
	return results
}

func TestAWindowReadAgainIsUnchangedOnlyIfItsFilesAreThere(t *testing.T) {
	const c, u = pipeline.Committed, pipeline.Unchanged
	content := func(path string) []byte {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, tt := range []struct {
		name string
		harm func(l looked) error
		want []pipeline.Outcome
	}{
		{"nothing", func(looked) error { return nil }, []pipeline.Outcome{u, u, u}},
		{"the file of a day deleted", func(l looked) error { return os.Remove(l.data[0]) }, []pipeline.Outcome{c, u, u}},
		{"the folder of a day deleted", func(l looked) error { return os.RemoveAll(filepath.Dir(l.data[0])) }, []pipeline.Outcome{c, u, u}},
		{"the folder of the table deleted", func(l looked) error { return os.RemoveAll(filepath.Join(l.root, pipeline.Activity.Name)) }, []pipeline.Outcome{c, c, u}},
		{"a file emptied", func(l looked) error { return os.Truncate(l.data[0], 0) }, []pipeline.Outcome{c, u, u}},
		{"a file cut", func(l looked) error { return os.Truncate(l.data[0], 1000) }, []pipeline.Outcome{c, u, u}},
		{"a file of other bytes, as many", func(l looked) error {
			return os.WriteFile(l.data[0], bytes.Repeat([]byte{7}, len(content(l.data[0]))), 0o600)
		}, []pipeline.Outcome{c, u, u}},
		{"a file of as many rows in other bytes", func(l looked) error {
			other := newPlace(t)
			mustCommit(t, other.Open(t), 1, l.windows[0], []string{"somebody with a long name", "another"})
			return os.WriteFile(l.data[0], content(strings.Replace(l.data[0], l.root, other.root, 1)), 0o600)
		}, []pipeline.Outcome{c, u, u}},
		{"the file of another day", func(l looked) error { return os.WriteFile(l.data[0], content(l.data[1]), 0o600) }, []pipeline.Outcome{c, u, u}},
		{"the empty file of a window without rows deleted", func(l looked) error { return os.Remove(l.data[1]) }, []pipeline.Outcome{u, c, u}},
		{"rows in the file of a window without rows", func(l looked) error { return os.WriteFile(l.data[1], content(l.data[0]), 0o600) }, []pipeline.Outcome{u, c, u}},
		{"a file for a window that has none", func(l looked) error {
			return errors.Join(os.MkdirAll(filepath.Dir(l.data[2]), 0o755), os.WriteFile(l.data[2], content(l.data[0]), 0o600))
		}, []pipeline.Outcome{u, u, c}},
		{"the rejects deleted", func(l looked) error { return os.Remove(l.rejects[0]) }, []pipeline.Outcome{c, u, u}},
		{"the rejects emptied", func(l looked) error { return os.Truncate(l.rejects[0], 0) }, []pipeline.Outcome{c, u, u}},
		{"rejects for a window that has none", func(l looked) error {
			return errors.Join(os.MkdirAll(filepath.Dir(l.rejects[1]), 0o755), os.WriteFile(l.rejects[1], content(l.rejects[0]), 0o600))
		}, []pipeline.Outcome{u, c, u}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLooked(t)
			if err := tt.harm(l); err != nil {
				t.Fatal(err)
			}
			l.commit(t, 3, tt.want...)
			var ids []string
			query(t, "SELECT resource_id FROM "+l.table(pipeline.Activity.Name)+" ORDER BY ALL", func(rows *sql.Rows) error {
				var id string
				err := rows.Scan(&id)
				ids = append(ids, id)
				return err
			})
			if strings.Join(ids, " ") != "ana bob" || len(l.place.Rejects(t, testKey)) != 1 {
				t.Errorf("the table holds %q, and %+v is rejected", ids, l.place.Rejects(t, testKey))
			}
			l.commit(t, 4, u, u, u)
		})
	}
}

func TestTheLedgerNotesTheBytesOfAFile(t *testing.T) {
	l := newLooked(t)
	for at := 3; at < 5; at++ {
		got := l.commit(t, at, pipeline.Unchanged, pipeline.Unchanged, pipeline.Unchanged)
		for i, r := range got[:2] {
			info, err := os.Stat(l.data[i])
			if err != nil {
				t.Fatal(err)
			}
			if r.Entry.Bytes != info.Size() {
				t.Errorf("window %d: the ledger says %d bytes, the file has %d", i, r.Entry.Bytes, info.Size())
			}
		}
	}
	ledger, err := l.Open(t).Ledger(context.Background(), testKey)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(l.data[0])
	if e, ok := ledger.Live(l.windows[0].Span); err != nil || !ok || e.Bytes != info.Size() {
		t.Errorf("%+v, %v", e, err)
	}
}

// A file that an earlier version wrote is looked at by its footer, since that version noted no bytes.
func TestTheFilesOfAnEarlierVersionAreLookedAtToo(t *testing.T) {
	ctx := context.Background()
	for name, harm := range map[string]func(path string) error{
		"whole": nil, "deleted": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
		"cut":     func(path string) error { return os.Truncate(path, 5000) },
	} {
		p := earlier(t)
		s := p.Open(t)
		l, err := s.Ledger(ctx, testKey)
		if err != nil {
			t.Fatal(err)
		}
		e := l.Overlapping(pipeline.Span{Start: 0, End: 1 << 62})[0]
		file, err := windowFile(pipeline.Activity.Name, testKey, e.Window)
		if err != nil {
			t.Fatal(err)
		}
		want := pipeline.Unchanged
		if harm != nil {
			want = pipeline.Committed
			if err := harm(filepath.Join(p.root, file)); err != nil {
				t.Fatal(err)
			}
		}
		sealed := sealAgents(t, s, 1, e.Window, make([]string, e.Counts.Rows))
		again := e
		again.ReadAt, again.Bytes = e.ReadAt+1, 0
		sealed.Entry = again
		got := s.Commit(ctx, []pipeline.Sealed{sealed})[0]
		info, err := os.Stat(filepath.Join(p.root, file))
		if got.Outcome != want || got.Err != nil || err != nil || got.Entry.Bytes != info.Size() || e.Bytes != 0 {
			t.Errorf("%s: outcome %d, %+v, %v, %v", name, got.Outcome, got.Entry, got.Err, err)
		}
	}
}

// deaf opens nothing.
type deaf struct{ volume.Volume }

func (deaf) Open(context.Context, string) (volume.Content, error) {
	return nil, &fs.PathError{Op: "open", Path: "x", Err: syscall.EIO}
}

func TestAWindowWhoseFilesCannotBeLookedAtFails(t *testing.T) {
	l := newLooked(t)
	s := open(deaf{volume.NewLocal(l.root, private)}, l.root, Options{Now: clock})
	defer s.Close() //nolint:errcheck // it was looked at alone
	got := s.Commit(context.Background(), []pipeline.Sealed{sealAgents(t, s, 3, l.windows[1], nil)})[0]
	if got.Outcome != pipeline.Failed || !errors.Is(got.Err, syscall.EIO) || !strings.Contains(got.Err.Error(), "look at the window's files") {
		t.Errorf("%+v", got)
	}
	l.commit(t, 4, pipeline.Unchanged, pipeline.Unchanged, pipeline.Unchanged)
}
