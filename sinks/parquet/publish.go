package parquet

import (
	"context"
	"errors"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// publish makes the volume hold the window and nothing that it replaces. New rows come before old ones go, so that no
// crash leaves neither.
func (s *Store) publish(ctx context.Context, p *pending) error {
	if err := p.publishData(ctx); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.data-renamed")
	if err := p.publishRejects(ctx); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.rejects-placed")
	if err := p.removeReplaced(ctx); err != nil {
		return err
	}
	pipeline.Point(ctx, "parquet.superseded-removed")
	return nil
}

// dataFile and rejectsFile are the names of the window's own files. Its zone was tried when it was staged.
func (p *pending) dataFile() string {
	name, _ := windowFile(p.Table.Name, p.Key, p.Verdict.Entry.Window)
	return name
}

func (p *pending) rejectsFile() string {
	name, _ := windowFile(rejectsDir, p.Key, p.Verdict.Entry.Window)
	return name
}

// replacedFiles calls each for the files of a window of other bounds, or of the same bounds cut in another zone.
func (p *pending) replacedFiles(each func(w pipeline.Window, data, rejects string) error) error {
	for _, w := range p.Replaces {
		data, err := windowFile(p.Table.Name, p.Key, w)
		if err != nil {
			return err
		}
		rejects, err := windowFile(rejectsDir, p.Key, w)
		if err != nil {
			return err
		}
		if data == p.dataFile() {
			continue // another zone, the same date
		}
		if err := each(w, data, rejects); err != nil {
			return err
		}
	}
	return nil
}

// files lists the names of all files that the window's commit replaces or removes.
func (p *pending) files() (names []string, err error) {
	names = append(names, p.dataFile(), p.rejectsFile())
	err = p.replacedFiles(func(_ pipeline.Window, data, rejects string) error {
		names = append(names, data, rejects)
		return nil
	})
	return append(names, p.orphans...), err
}

// publishData publishes the window's file. A window without rows gets a file that says so where there may be one to
// replace, else none.
func (p *pending) publishData(ctx context.Context) error {
	if !p.Verdict.Entry.HasData {
		return nil
	}
	name := p.dataFile()
	if p.Stage.data == nil {
		return p.empty(ctx, p.Table.StageSchema(), name)
	}
	p.Verdict.Entry.Bytes = p.Stage.file.Size()
	return p.Stage.data.Publish(ctx, name, p.seen[name])
}

// publishRejects publishes the window's rejects, or removes those of an earlier reading. A file that another writer may
// be about to create is made here instead, without rows, so that it is no longer the file that the other writer saw.
func (p *pending) publishRejects(ctx context.Context) error {
	st, name := p.Stage, p.rejectsFile()
	switch {
	case st.rejects != nil:
		d, err := st.store.rejectsFile(ctx, st, p.Verdict.Entry)
		if err != nil {
			return err
		}
		return errors.Join(d.Publish(ctx, name, p.seen[name]), d.Discard())
	case p.disputed[p.Verdict.Entry.Window.Span]:
		return p.empty(ctx, rejectsSchema, name)
	default:
		return p.remove(ctx, name)
	}
}

// remove removes files of the versions that were seen. Where the storage knows no such condition they become files without
// rows, which their names, or the ledger, tell from a window's. Nothing is asked of a file that was not there: whoever has
// created it since has begun after this commit, whose end meets him.
func (p *pending) remove(ctx context.Context, names ...string) error {
	var gone []volume.Object
	for _, name := range names {
		if p.seen[name] != volume.Absent {
			gone = append(gone, volume.Object{Name: name, Version: p.seen[name]})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	err := p.Stage.store.volume.Remove(ctx, gone...)
	if !errors.Is(err, volume.ErrUnfenced) {
		return err
	}
	for _, o := range gone {
		schema := p.Table.StageSchema()
		if strings.HasPrefix(o.Name, rejectsDir+"/") {
			schema = rejectsSchema
		}
		if err := p.empty(ctx, schema, o.Name); err != nil {
			return err
		}
	}
	return nil
}

// removeReplaced removes the files of the windows that the window replaces, and the orphans that overlap it. Files that
// another writer may be about to replace stay, without rows; once nobody knows them any more they are orphans.
func (p *pending) removeReplaced(ctx context.Context) error {
	var gone []string
	err := p.replacedFiles(func(w pipeline.Window, data, rejects string) error {
		if !p.disputed[w.Span] {
			gone = append(gone, data, rejects)
			return nil
		}
		return errors.Join(p.empty(ctx, p.Table.StageSchema(), data), p.empty(ctx, rejectsSchema, rejects))
	})
	if err != nil {
		return err
	}
	for _, name := range p.orphans {
		if name != p.dataFile() && name != p.rejectsFile() {
			gone = append(gone, name)
		}
	}
	return p.remove(ctx, gone...)
}

// empty publishes a file without rows over the version that was seen, once: several windows of a commit may replace the
// same one.
func (p *pending) empty(ctx context.Context, schema *arrow.Schema, name string) error {
	if p.seen[name] == volume.Any {
		return nil
	}
	d, err := p.Stage.store.build(ctx, schema, func(*rowgroup.File) error { return nil })
	if err != nil {
		return err
	}
	if err := errors.Join(d.Publish(ctx, name, p.seen[name]), d.Discard()); err != nil {
		return err
	}
	p.seen[name] = volume.Any
	return nil
}
