package parquet

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// disk has room for so many bytes. A write that finds no room leaves what fits, as a file system does.
type disk struct {
	volume.Volume
	room int
}

type diskDraft struct {
	volume.Draft
	disk *disk
}

func (d *disk) Draft(ctx context.Context) (volume.Draft, error) {
	draft, err := d.Volume.Draft(ctx)
	return diskDraft{draft, d}, err
}

func (d *disk) Probe(ctx context.Context) error {
	if d.room == 0 {
		return errFull
	}
	return d.Volume.Probe(ctx)
}

var errFull = &fs.PathError{Op: "write", Path: "/w/x", Err: syscall.ENOSPC}

func (d diskDraft) Write(b []byte) (int, error) {
	fits := min(len(b), d.disk.room)
	d.disk.room -= fits
	n, err := d.Draft.Write(b[:fits])
	if err == nil && fits < len(b) {
		err = errFull
	}
	return n, err
}

// isDraft tells a draft from the file that a living process holds.
func isDraft(name string) bool { return !strings.HasSuffix(name, "/alive") }

// commitOn commits windows of these agents each, as far as there is room, and returns every error.
func (l looked) commitOn(s pipeline.Store, at int, agents ...[]string) (errs []error) {
	ctx := context.Background()
	var all []pipeline.Sealed
	for i, ids := range agents {
		st, err := s.Stage(ctx, testKey, pipeline.Activity, l.windows[i])
		if err == nil && len(ids) > 0 {
			rec := agentsRecord(l.windows[i], ids...)
			err = st.Append(ctx, 0, rec)
			rec.Release()
		}
		if err == nil {
			_, err = st.Seal(ctx)
		}
		if err != nil {
			errs = append(errs, err, st.Abort())
			continue
		}
		all = append(all, pipeline.Sealed{Stage: st, Key: testKey, Table: pipeline.Activity, Entry: pipeline.Entry{
			Kind: pipeline.EntryCommit, Window: l.windows[i], SyncID: "run", ReadAt: pipeline.Instant(at), ExtractedAt: pipeline.Instant(at),
			Settled: true, Fingerprint: pipeline.Hash{Lo: uint64(at)}, Counts: pipeline.Counts{Rows: int64(len(ids))},
		}})
	}
	for _, r := range s.Commit(ctx, all) {
		errs = append(errs, r.Err)
	}
	return errs
}

// A disk that is full at any byte fails a call with that word, and what is committed once there is room is what would have
// been committed at once.
func TestADiskThatIsFullAtAnyByteLosesAndDoublesNothing(t *testing.T) {
	const step = 997
	ctx := context.Background()
	failed := 0
	for room, full := 0, true; full; room += step {
		l := newLooked(t)
		d := &disk{volume.NewLocal(l.root, private), room}
		s := open(d, l.root, Options{Now: clock})
		errs := l.commitOn(s, 3, []string{"ana", "eve"}, []string{"kim"}, []string{"zoe"})
		errs = append(errs, s.Record(ctx, testKey, pipeline.Entry{Kind: pipeline.EntryFail, Window: l.windows[0]}),
			s.Add(ctx, pipeline.Note{Tenant: pipeline.TenantKey{Source: "ucontact", Account: "default"}, At: clock()}),
			s.AppendRun(ctx, pipeline.Summary{SyncID: "run"}))
		full = d.room == 0
		if full {
			errs = append(errs, s.Check(ctx))
		}
		for _, err := range errs {
			if err == nil {
				continue
			}
			if failed++; pipeline.KindOf(err) != pipeline.Unwritable || !strings.Contains(err.Error(), "no space left on device") || !full {
				t.Errorf("%d bytes: %v", room, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := errors.Join(l.commitOn(l.Open(t), 4, []string{"ana", "bob"}, nil, []string{"lea"})...); err != nil {
			t.Errorf("%d bytes: with room again: %v", room, err)
		}
		var ids []string
		query(t, "SELECT resource_id FROM "+l.table(pipeline.Activity.Name)+" ORDER BY ALL", func(rows *sql.Rows) error {
			ids = append(ids, "")
			return rows.Scan(&ids[len(ids)-1])
		})
		if strings.Join(ids, " ") != "ana bob lea" || len(l.place.Rejects(t, testKey)) != 0 || slices.ContainsFunc(l.Litter(t), isDraft) {
			t.Errorf("%d bytes: %q, %v, %v", room, ids, l.place.Rejects(t, testKey), l.Litter(t))
		}
	}
	if failed < 50 {
		t.Errorf("only %d calls found no room", failed)
	}
}
