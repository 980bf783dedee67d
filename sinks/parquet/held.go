package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// held is what the volume has under the name of a window's file.
type held struct {
	there  bool
	damage error // why its footer cannot be understood
	bytes  int64
	rows   int64 // 0 with damage
}

// has reports whether the file is there and whole, with so many rows.
func (h held) has(rows int64) bool { return h.there && h.damage == nil && h.rows == rows }

// held looks at a file: its size and its footer. An error says that nobody knows what is there.
func (s *Store) held(ctx context.Context, name string) (h held, err error) {
	content, err := s.volume.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return held{}, nil
	}
	if err != nil {
		return held{}, err
	}
	defer content.Close() //nolint:errcheck // it was read
	h.there, h.bytes = true, content.Size()
	watched := &watchedContent{Content: content}
	if h.rows, err = rowgroup.Rows(watched, h.bytes); err != nil {
		if failed := watched.err(); failed != nil {
			return held{}, failed
		}
		h.damage = fmt.Errorf("%s: %w", name, err)
	}
	return h, nil
}

// watchedContent tells a fault of the storage from bytes that make no sense.
type watchedContent struct {
	volume.Content

	mu     sync.Mutex
	failed error
}

func (c *watchedContent) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.Content.ReadAt(b, at)
	if err != nil && !errors.Is(err, io.EOF) {
		c.mu.Lock()
		c.failed = err
		c.mu.Unlock()
	}
	return n, err
}

func (c *watchedContent) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// checkUnchanged makes sure that the volume holds what the ledger says of a window that counts as unchanged: the data's
// file with the bytes and the rows that the ledger noted, or none; the file of the rejects with their rows. Else the
// window is to be written again. Where the ledger of an earlier version noted no bytes, they are noted now.
func (s *Store) checkUnchanged(ctx context.Context, p *pending) error {
	if p.Outcome != pipeline.Unchanged {
		return nil
	}
	data, err := s.held(ctx, p.dataFile())
	var rejects held
	if err == nil {
		rejects, err = s.held(ctx, p.rejectsFile())
	}
	if errors.Is(err, volume.ErrChanged) { // another writer is at it
		p.Rewrite()
		return nil
	}
	if err != nil {
		return err
	}
	e := &p.Verdict.Entry
	whole := !data.there
	if e.HasData {
		whole = data.has(e.Counts.Rows) && (e.Bytes == 0 || e.Bytes == data.bytes)
	}
	if !whole || !rejects.has(e.Counts.Rejected) && (rejects.there || e.Counts.Rejected > 0) {
		p.Rewrite()
		return nil
	}
	e.Bytes = data.bytes
	return nil
}
