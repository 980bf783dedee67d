package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const (
	// segmentSize is how much of one draft may lie in memory.
	segmentSize = 8 << 20
	// mostHeld is how much of all drafts may; above it each that is larger than worthwhile goes to the store.
	mostHeld   = 32 << 20
	worthwhile = 256 << 10
	// tail stays in memory: it has the stamp.
	tail = 64 << 10
	// forgotten is the age of a segment whose process lives no more. A draft lasts for minutes.
	forgotten = 7 * 24 * time.Hour
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errMisused = errors.New("a draft is written, then synced, then read or published")
)

// draft is an object in the making. What was written first lies in segments, the rest in memory.
type draft struct {
	v         *Volume
	ctx       context.Context // of the one who writes
	segments  []Object
	spilled   int64
	sum       uint32 // of the segments
	buf       []byte
	err       error // the first
	synced    bool
	discarded bool
}

// Draft implements [volume.Writer].
func (v *Volume) Draft(ctx context.Context) (volume.Draft, error) {
	return &draft{v: v, ctx: ctx}, ctx.Err()
}

// hold puts b in the place of what is in memory.
func (d *draft) hold(b []byte) int64 {
	more := int64(cap(b) - cap(d.buf))
	d.buf = b
	return d.v.held.Add(more)
}

// Write implements [io.Writer].
func (d *draft) Write(b []byte) (int, error) {
	if d.synced || d.discarded {
		return 0, errMisused
	}
	if d.err != nil {
		return 0, d.err
	}
	held := d.hold(append(d.buf, b...))
	if len(d.buf) >= segmentSize+tail || held > mostHeld && len(d.buf) >= worthwhile {
		if d.err = d.spill(); d.err != nil {
			return 0, d.err
		}
	}
	return len(b), nil
}

// spill moves all but the tail of what is in memory to the store.
func (d *draft) spill() error {
	d.v.clean(d.ctx)
	part := d.buf[:len(d.buf)-tail]
	name := fmt.Sprintf("%s%s/%d", d.v.draftsDir(), d.v.run, d.v.last.Add(1))
	body := bodyOf(part)
	_, err := d.v.retry(d.ctx, body.Size, func(ctx context.Context) error { return d.v.Driver.Put(ctx, d.v.key(name), body, volume.Any) })
	if err != nil {
		return err
	}
	d.segments = append(d.segments, Object{Name: name, Size: body.Size})
	d.sum = crc32.Update(d.sum, castagnoli, part)
	d.spilled += body.Size
	d.hold(append([]byte(nil), d.buf[len(part):]...))
	d.v.sweep(d.ctx, name)
	return nil
}

func bodyOf(b []byte) Body {
	return Body{Size: int64(len(b)), CRC32C: crc32.Checksum(b, castagnoli), Open: func() io.Reader { return bytes.NewReader(b) }}
}

// Sync implements [volume.Draft]. The object is on stable storage once it is published; until then it goes with its process.
func (d *draft) Sync() error {
	if d.synced || d.discarded {
		return errMisused
	}
	d.synced = d.err == nil
	return d.err
}

// Open implements [volume.Draft].
func (d *draft) Open() (io.ReadCloser, error) {
	if !d.synced || d.discarded {
		return nil, errMisused
	}
	return io.NopCloser(d.reader(context.WithoutCancel(d.ctx), d.buf)), nil
}

// reader reads the segments, and then what is in memory.
func (d *draft) reader(ctx context.Context, rest ...[]byte) io.Reader {
	var parts []io.Reader
	for _, s := range d.segments {
		parts = append(parts, &segment{ctx: ctx, v: d.v, object: s})
	}
	for _, b := range rest {
		parts = append(parts, bytes.NewReader(b))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return io.MultiReader(parts...)
}

// Publish implements [volume.Draft].
func (d *draft) Publish(ctx context.Context, name string, over volume.Version) error {
	if !d.synced || d.discarded {
		return errMisused
	}
	rest := [][]byte{d.buf}
	if at := bytes.LastIndex(d.buf, []byte(volume.Stamp)); d.v.Stamps && at >= 0 {
		rest = [][]byte{d.buf[:at], newStamp(), d.buf[at+len(volume.Stamp):]}
	}
	body := Body{Size: d.spilled + int64(len(d.buf)), CRC32C: d.sum}
	for _, b := range rest {
		body.CRC32C = crc32.Update(body.CRC32C, castagnoli, b)
	}
	attempts, err := d.v.retry(ctx, body.Size, func(ctx context.Context) error {
		body.Open = func() io.Reader { return d.reader(ctx, rest...) }
		return d.v.Driver.Put(ctx, d.v.key(name), body, over)
	})
	if attempts > 1 && errors.Is(err, volume.ErrChanged) && d.v.holds(ctx, name, body.Size, d.reader(ctx, rest...)) {
		return nil // an earlier attempt, whose answer was lost
	}
	return err
}

// holds reports whether an object has the content, of so many bytes.
func (v *Volume) holds(ctx context.Context, name string, size int64, content io.Reader) bool {
	is, err := v.Open(ctx, name)
	if err != nil {
		return false
	}
	defer is.Close() //nolint:errcheck // it was read
	if is.Size() != size {
		return false
	}
	same, err := volume.Same(ctx, is, content)
	return err == nil && same
}

// newStamp is a text as long as [volume.Stamp], and like no other.
func newStamp() []byte {
	b := []byte(volume.Stamp)
	var random [volume.StampDigits / 2]byte
	_, _ = rand.Read(random[:]) // never fails
	hex.Encode(b[len(b)-volume.StampDigits:], random[:])
	return b
}

// Discard implements [volume.Draft].
func (d *draft) Discard() error {
	d.hold(nil)
	d.discarded = true
	d.v.mu.Lock()
	defer d.v.mu.Unlock()
	for _, s := range d.segments {
		d.v.garbage = append(d.v.garbage, s.Name)
	}
	d.segments = nil
	return nil
}

// segment reads a segment once, in parts that are asked for again if they break off.
type segment struct {
	ctx    context.Context
	v      *Volume
	object Object
	at     int64
	part   []byte
}

// segmentPart is how much of a segment is in memory while it is read.
const segmentPart = 1 << 20

// Read implements [io.Reader].
func (s *segment) Read(b []byte) (int, error) {
	if len(s.part) == 0 {
		n := min(segmentPart, s.object.Size-s.at)
		if n == 0 {
			return 0, io.EOF
		}
		c := content{v: s.v, ctx: s.ctx, object: s.object}
		c.object.Version = volume.Any
		part, err := c.get(s.at, n)
		if err != nil {
			return 0, err
		}
		s.part, s.at = part, s.at+n
	}
	n := copy(b, s.part)
	s.part = s.part[n:]
	return n, nil
}

// clean removes the segments of drafts that were discarded. What it cannot remove goes with a later run.
func (v *Volume) clean(ctx context.Context) {
	v.mu.Lock()
	names := v.garbage
	v.garbage = nil
	v.mu.Unlock()
	for _, name := range names {
		if _, err := v.retry(ctx, 0, func(ctx context.Context) error { return v.Driver.Remove(ctx, v.key(name), volume.Any) }); err != nil && ctx.Err() != nil {
			return
		}
	}
}

// sweep removes what processes that are dead have left, once. mine was written just now, and so tells the store's time.
func (v *Volume) sweep(ctx context.Context, mine string) {
	v.mu.Lock()
	swept := v.swept
	v.swept = true
	v.mu.Unlock()
	if swept {
		return
	}
	var all []Object
	var now time.Time
	err := v.pages(ctx, v.key(v.draftsDir()), "", pageSize, func(page []Object) bool {
		for _, o := range page {
			if o.Name == mine {
				now = o.Updated
			}
		}
		all = append(all, page...)
		return true
	})
	if err != nil {
		return
	}
	for _, o := range all {
		if o.Updated.Before(now.Add(-forgotten)) {
			_ = v.Driver.Remove(ctx, v.key(o.Name), volume.Any)
		}
	}
}
