package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Options of a Volume.
type Options struct {
	Driver Driver
	Prefix string // of all names in the bucket; empty, or it ends with /
	// Private is the folder beneath which the volume keeps what is not finished.
	Private string
	// Stamps says that the store's versions are made of contents alone, so that equal contents cannot be told apart.
	Stamps bool
	// Doubtful says that the store may ignore the condition of a removal.
	Doubtful bool
	// RetryFor is how long a call is repeated that the store throttles or cannot serve; 0: as long as the context lives.
	RetryFor time.Duration
	Now      func() time.Time // nil means time.Now
}

const (
	// pageSize is as many objects as the stores list at once.
	pageSize = 1000
	// answerIn is how long an attempt may take, and slowest what it has beyond that for each byte that it moves.
	answerIn = 2 * time.Minute
	slowest  = time.Second / (128 << 10)
	// firstPause and longestPause bound the pauses between attempts.
	firstPause, longestPause = 100 * time.Millisecond, 30 * time.Second
)

// Volume is a bucket, or what of it lies beneath a prefix. See [volume.Volume].
type Volume struct {
	Options
	run  string       // names this process among those that keep drafts in the bucket
	last atomic.Int64 // number of the newest segment
	held atomic.Int64 // bytes of drafts in memory

	mu      sync.Mutex
	garbage []string // names of segments that nobody needs any more
	swept   bool
	fence   fence
}

var _ volume.Volume = (*Volume)(nil)

// New returns the volume. It asks nothing.
func New(o Options) *Volume {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Volume{Options: o, run: strings.ToLower(rand.Text())}
}

// retry makes attempts at a call until it succeeds, fails for good, or has failed for too long. bytes are what it moves.
func (v *Volume) retry(ctx context.Context, bytes int64, call func(context.Context) error) (attempts int, err error) {
	begun := v.Now()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = firstPause, longestPause
	for attempts = 1; ; attempts++ {
		if err := ctx.Err(); err != nil {
			return attempts, err
		}
		err = attempt(ctx, answerIn+time.Duration(bytes)*slowest, call)
		if err == nil || ctx.Err() != nil || !pipeline.Retryable(err) {
			return attempts, err
		}
		pause := wait.NextBackOff()
		var told *pipeline.Error
		if errors.As(err, &told) {
			pause = max(pause, told.RetryAfter)
		}
		if v.RetryFor > 0 && v.Now().Sub(begun)+pause > v.RetryFor {
			return attempts, err
		}
		if err := pipeline.Sleep(ctx, pause); err != nil {
			return attempts, err
		}
	}
}

func attempt(ctx context.Context, within time.Duration, call func(context.Context) error) error {
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := call(timed)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &pipeline.Error{Op: "ask the store", Kind: pipeline.Unavailable, Err: fmt.Errorf("no answer within %s", within.Round(time.Second))}
	}
	return err
}

func (v *Volume) key(name string) string { return v.Prefix + name }

// pages hands the objects whose names begin with prefix and come after a name to each, page by page, until each wants no more.
func (v *Volume) pages(ctx context.Context, prefix, after string, most int, each func(page []Object) (goOn bool)) error {
	for {
		var page []Object
		var more bool
		_, err := v.retry(ctx, 0, func(ctx context.Context) (err error) {
			page, more, err = v.Driver.List(ctx, prefix, after, most)
			return err
		})
		if err != nil {
			return err
		}
		for i := range page {
			after = page[i].Name
			page[i].Name = strings.TrimPrefix(after, v.Prefix)
		}
		if !each(page) || !more || len(page) == 0 {
			return nil
		}
	}
}

// draftsDir is the folder of what is not finished.
func (v *Volume) draftsDir() string { return v.Private + "/tmp/" }

func (v *Volume) folder(dir string) string {
	if dir = path.Clean(dir); dir == "." {
		return ""
	}
	return dir + "/"
}

// List implements [volume.Reader].
func (v *Volume) List(ctx context.Context, dir string) (names []string, err error) {
	err = v.pages(ctx, v.key(v.folder(dir)), "", pageSize, func(page []Object) bool {
		for _, o := range page {
			if !strings.HasPrefix(o.Name, v.draftsDir()) && !strings.HasSuffix(o.Name, "/") {
				names = append(names, o.Name)
			}
		}
		return true
	})
	return names, err
}

// Between implements [volume.Reader].
func (v *Volume) Between(ctx context.Context, dir, first, last string) (names []string, err error) {
	folder := v.folder(dir)
	end := folder + last + "0" // the byte after the slash
	err = v.pages(ctx, v.key(folder), v.key(folder+first), pageSize, func(page []Object) bool {
		for _, o := range page {
			if o.Name >= end {
				return false
			}
			of, _, deeper := strings.Cut(strings.TrimPrefix(o.Name, folder), "/")
			if deeper && of >= first && of <= last && !strings.HasSuffix(o.Name, "/") {
				names = append(names, o.Name)
			}
		}
		return true
	})
	return names, err
}

// lastInFolder comes after every name that follows a folder's slash.
const lastInFolder = "\U0010FFFF"

// Walk visits the objects beneath dir in their order, none of which is a link. visit may return a [volume.Past], whose other
// objects are asked for no further; any other error ends the walk. It keeps a page of names in memory.
func (v *Volume) Walk(ctx context.Context, dir string, visit func(name string, link bool) error) error {
	var past volume.Past
	for after := ""; ; {
		jumps, ended := false, error(nil)
		err := v.pages(ctx, v.key(v.folder(dir)), after, pageSize, func(page []Object) bool {
			for _, o := range page {
				if past.Holds(o.Name) || strings.HasPrefix(o.Name, v.draftsDir()) || strings.HasSuffix(o.Name, "/") {
					continue
				}
				if ended = visit(o.Name, false); errors.As(ended, &past) {
					ended = nil
				}
				if ended != nil {
					return false
				}
			}
			if jumps = len(page) == pageSize && past.Holds(page[pageSize-1].Name); jumps {
				after = v.key(string(past) + "/" + lastInFolder)
			}
			return !jumps
		})
		if err == nil {
			err = ended
		}
		if err != nil || !jumps {
			return err
		}
	}
}

// Read implements [volume.Reader].
func (v *Volume) Read(ctx context.Context, name string) (body []byte, err error) {
	_, err = v.retry(ctx, 0, func(ctx context.Context) error {
		r, err := v.Driver.Get(ctx, v.key(name), volume.Any, 0, -1)
		if err != nil {
			return err
		}
		defer r.Close()
		body, err = io.ReadAll(r)
		return brokenOff(ctx, err)
	})
	return body, err
}

// brokenOff is the error of a body that did not come whole.
func brokenOff(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &pipeline.Error{Op: "read an object", Kind: pipeline.Unavailable, Cause: pipeline.BrokenOff, Err: err}
}

// Versions implements [volume.Reader]. Names of one stream are answered from a listing of their days, unless other objects
// between them are so many that asking for each is cheaper.
func (v *Volume) Versions(ctx context.Context, names ...string) ([]volume.Version, error) {
	found := make(map[string]volume.Version, len(names))
	groups := make(map[string][]string)
	for _, name := range names {
		if _, known := found[name]; !known {
			found[name] = volume.Absent
			of := path.Dir(path.Dir(name))
			groups[of] = append(groups[of], name)
		}
	}
	for of, group := range groups {
		slices.Sort(group)
		asked, err := v.listed(ctx, of, group, found)
		if err != nil {
			return nil, err
		}
		for _, name := range group[asked:] {
			if err := v.listedOne(ctx, name, found); err != nil {
				return nil, err
			}
		}
	}
	versions := make([]volume.Version, len(names))
	for i, name := range names {
		versions[i] = found[name]
	}
	return versions, nil
}

// listed enters the versions of a folder's names in found, as long as a listing asks less than as many questions as there
// are names. It returns how many of them are answered.
func (v *Volume) listed(ctx context.Context, folder string, names []string, found map[string]volume.Version) (answered int, err error) {
	if len(names) < 2 {
		return 0, nil
	}
	first, last, asked := names[0], names[len(names)-1], 0
	err = v.pages(ctx, v.key(v.folder(folder)), v.key(first[:len(first)-1]), pageSize, func(page []Object) bool {
		asked++
		for _, o := range page {
			if _, wanted := found[o.Name]; wanted {
				found[o.Name] = o.Version
			}
			if o.Name >= last {
				answered = len(names)
				return false
			}
			for answered < len(names) && names[answered] <= o.Name {
				answered++
			}
		}
		return asked < len(names)
	})
	if err == nil && asked < len(names) {
		answered = len(names) // the listing came to its end
	}
	return answered, err
}

func (v *Volume) listedOne(ctx context.Context, name string, found map[string]volume.Version) error {
	o, err := v.object(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	found[name] = o.Version
	return err
}

// object is what the store tells of an object.
func (v *Volume) object(ctx context.Context, name string) (o Object, err error) {
	err = v.pages(ctx, v.key(name), "", 1, func(page []Object) bool {
		if len(page) > 0 {
			o = page[0]
		}
		return false
	})
	if err == nil && o.Name != name {
		err = &fs.PathError{Op: "open", Path: v.key(name), Err: fs.ErrNotExist}
	}
	return o, err
}

// Remove implements [volume.Writer].
func (v *Volume) Remove(ctx context.Context, objects ...volume.Object) error {
	for _, o := range objects {
		if err := v.remove(ctx, o); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (v *Volume) remove(ctx context.Context, o volume.Object) error {
	if o.Version == volume.Absent {
		if _, err := v.object(ctx, o.Name); err != nil {
			return err
		}
		return changed(o.Name)
	}
	if o.Version != volume.Any && v.Doubtful {
		if err := v.fenced(ctx); err != nil {
			return err
		}
	}
	attempts, err := v.retry(ctx, 0, func(ctx context.Context) error { return v.Driver.Remove(ctx, v.key(o.Name), o.Version) })
	if attempts > 1 && errors.Is(err, volume.ErrChanged) { // perhaps the attempt before removed it
		if _, gone := v.object(ctx, o.Name); errors.Is(gone, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}

func changed(name string) error { return fmt.Errorf("%s: %w", name, volume.ErrChanged) }

// Update implements [volume.Writer].
func (v *Volume) Update(ctx context.Context, write func(ctx context.Context, alone bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return write(ctx, false)
}

// Close implements [volume.Volume].
func (v *Volume) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	v.clean(ctx)
	return nil
}
