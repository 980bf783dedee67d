package volumetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Bucket is an object store in memory, as strict as the real ones: an object has a generation, is written whole, and is
// replaced or removed on the condition that it is of a generation. Nothing can be appended to, and nobody can be kept
// out.
//
// A Bucket outlives the volumes over it, which stand for processes.
type Bucket struct {
	mu         sync.Mutex
	objects    map[string]object
	generation int64
	tags       bool // versions are made of contents
}

type object struct {
	generation int64
	body       []byte
	tag        volume.Version // where versions are made of contents
}

func (o object) version() volume.Version {
	if o.tag != volume.Absent {
		return o.tag
	}
	if o.generation == 0 {
		return volume.Absent
	}
	return volume.Version(strconv.FormatInt(o.generation, 10))
}

// NewBucket returns an empty bucket.
func NewBucket() *Bucket { return &Bucket{objects: make(map[string]object)} }

// NewTagged returns an empty bucket whose versions are made of contents alone, as entity tags are.
func NewTagged() *Bucket { return &Bucket{objects: make(map[string]object), tags: true} }

// Open returns the bucket as another process has it.
func (b *Bucket) Open() volume.Volume { return &mounted{bucket: b} }

// Objects returns the content of every object beneath dir, by name.
func (b *Bucket) Objects(dir string) map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[string][]byte)
	for name, o := range b.objects {
		if strings.HasPrefix(name, dir+"/") {
			all[name] = o.body
		}
	}
	return all
}

// replace puts body in the place of an object that is of a version; a nil body removes it.
func (b *Bucket) replace(name string, over volume.Version, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if is := b.objects[name].version(); over != volume.Any && is != over {
		return fmt.Errorf("%s: %w", name, volume.ErrChanged)
	}
	if body == nil {
		delete(b.objects, name)
		return nil
	}
	b.generation++
	o := object{generation: b.generation, body: body}
	if b.tags {
		o.tag = volume.Version(fmt.Sprintf("%x", sha256.Sum256(body)))
	}
	b.objects[name] = o
	return nil
}

// mounted is a bucket as one process has it.
type mounted struct{ bucket *Bucket }

func (m *mounted) List(ctx context.Context, dir string) ([]string, error) {
	return slices.Sorted(maps.Keys(m.bucket.Objects(dir))), ctx.Err()
}

func (m *mounted) Between(ctx context.Context, dir, first, last string) ([]string, error) {
	names, err := m.List(ctx, dir)
	return slices.DeleteFunc(names, func(name string) bool {
		folder, _, deeper := strings.Cut(strings.TrimPrefix(name, dir+"/"), "/")
		return !deeper || folder < first || folder > last
	}), err
}

func (m *mounted) Read(ctx context.Context, name string) ([]byte, error) {
	m.bucket.mu.Lock()
	defer m.bucket.mu.Unlock()
	o, ok := m.bucket.objects[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(o.body), ctx.Err()
}

func (m *mounted) Open(ctx context.Context, name string) (volume.Content, error) {
	body, err := m.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return content{bytes.NewReader(body)}, nil
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func (m *mounted) Versions(ctx context.Context, names ...string) ([]volume.Version, error) {
	m.bucket.mu.Lock()
	defer m.bucket.mu.Unlock()
	versions := make([]volume.Version, len(names))
	for i, name := range names {
		versions[i] = m.bucket.objects[name].version()
	}
	return versions, ctx.Err()
}

func (m *mounted) Remove(ctx context.Context, objects ...volume.Object) error {
	for _, o := range objects {
		if err := ctx.Err(); err != nil {
			return err
		}
		if versions, err := m.Versions(ctx, o.Name); err != nil || versions[0] == volume.Absent {
			continue
		}
		if err := m.bucket.replace(o.Name, o.Version, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *mounted) Update(ctx context.Context, write func(ctx context.Context, alone bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return write(ctx, false)
}

func (m *mounted) Probe(ctx context.Context) error { return ctx.Err() }

func (m *mounted) Close() error { return nil }

func (m *mounted) Draft(ctx context.Context) (volume.Draft, error) {
	return &draft{bucket: m.bucket}, ctx.Err()
}

type draft struct {
	bucket    *Bucket
	body      bytes.Buffer
	synced    bool
	discarded bool
}

var errMisused = errors.New("a draft is written, then synced, then read or published")

func (d *draft) Write(b []byte) (int, error) {
	if d.synced || d.discarded {
		return 0, errMisused
	}
	return d.body.Write(b)
}

func (d *draft) Sync() error {
	if d.synced || d.discarded {
		return errMisused
	}
	d.synced = true
	return nil
}

func (d *draft) Open() (io.ReadCloser, error) {
	if !d.synced || d.discarded {
		return nil, errMisused
	}
	return io.NopCloser(bytes.NewReader(d.body.Bytes())), nil
}

func (d *draft) Publish(ctx context.Context, name string, over volume.Version) error {
	if !d.synced || d.discarded {
		return errMisused
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	body := append([]byte{}, d.body.Bytes()...)
	if at := bytes.LastIndex(body, []byte(volume.Stamp)); d.bucket.tags && at >= 0 {
		copy(body[at:], strings.ToLower(rand.Text() + rand.Text())[:len(volume.Stamp)])
	}
	return d.bucket.replace(name, over, body)
}

func (d *draft) Discard() error {
	d.discarded = true
	return nil
}
