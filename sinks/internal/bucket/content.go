package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// ahead is how much is read at once, where less is wanted: a file's footer is read in several small steps.
const ahead = 256 << 10

// Open implements [volume.Reader].
func (v *Volume) Open(ctx context.Context, name string) (volume.Content, error) {
	o, err := v.object(ctx, name)
	if err != nil {
		return nil, err
	}
	return &content{v: v, ctx: ctx, object: o}, nil
}

// content is one version of an object. The part that was read last stays in memory.
type content struct {
	v      *Volume
	ctx    context.Context
	object Object

	mu   sync.Mutex
	from int64
	part []byte
}

func (c *content) Size() int64 { return c.object.Size }

func (c *content) Close() error { return nil }

// ReadAt implements [io.ReaderAt].
func (c *content) ReadAt(b []byte, at int64) (int, error) {
	size := c.object.Size
	if at >= size {
		return 0, io.EOF
	}
	want := min(int64(len(b)), size-at)
	if want >= ahead {
		part, err := c.get(at, want)
		return ended(copy(b, part), len(b), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at < c.from || at+want > c.from+int64(len(c.part)) {
		from := max(0, min(at, size-ahead)) // whoever reads near the end reads the end
		part, err := c.get(from, min(ahead, size-from))
		if err != nil {
			return 0, err
		}
		c.from, c.part = from, part
	}
	return ended(copy(b, c.part[at-c.from:]), len(b), nil)
}

func ended(n, wanted int, err error) (int, error) {
	if err == nil && n < wanted {
		err = io.EOF
	}
	return n, err
}

func (c *content) get(from, n int64) (part []byte, err error) {
	_, err = c.v.retry(c.ctx, n, func(ctx context.Context) error {
		r, err := c.v.Driver.Get(ctx, c.v.key(c.object.Name), c.object.Version, from, n)
		if err != nil {
			return err
		}
		defer r.Close()
		part = make([]byte, n)
		_, err = io.ReadFull(r, part)
		return brokenOff(ctx, err)
	})
	if errors.Is(err, fs.ErrNotExist) { // it was there
		return nil, changed(c.object.Name)
	}
	if err != nil {
		return nil, err
	}
	return part, nil
}
