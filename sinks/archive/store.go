package archive

import (
	"context"
	"errors"
	"path"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// setting is the variable that names the place.
const setting = "WINDROW_ARCHIVE"

// Private is the folder of the lock and the drafts of an archive that has a place of its own.
const Private = "_windrow"

// Options of a Store that has a directory of its own.
type Options struct {
	Now     func() time.Time    // the real clock; nil means time.Now
	Waiting func(holder string) // told who holds the lock when it has not been free for five seconds; nil: nobody is told
	// RetryFor is how long a holder of the lock is waited for; 0: as long as the context lives.
	RetryFor time.Duration
}

// Store is an archive in a volume.
type Store struct {
	volume volume.Volume
	root   string // beneath the volume's; empty: the volume's own
	close  func() error
	coders sync.Pool // of *zstd.Encoder
}

var _ archive.Archive = (*Store)(nil)

// Open returns the archive in a directory. It touches nothing: a directory that is missing is an empty archive.
func Open(dir string, o Options) (*Store, error) {
	root, err := volume.Root(dir)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the archive", Kind: pipeline.Invalid, Err: err, Hint: "name a directory, for example /var/lib/windrow/raw"}
	}
	local := volume.NewLocal(root, Private)
	if o.Now != nil {
		local.Now = o.Now
	}
	local.Patience = volume.Patience{Tell: o.Waiting, Most: o.RetryFor}
	return Over(local), nil
}

// Over returns the archive in a volume that is a place of its own, which the archive closes.
func Over(v volume.Volume) *Store {
	s := Beneath(v, "")
	s.close = v.Close
	return s
}

// Beneath returns the archive in a folder of a volume that somebody else opened and closes.
func Beneath(v volume.Volume, root string) *Store {
	return &Store{volume: v, root: root, close: func() error { return nil }}
}

// Close drops what was not ended.
func (s *Store) Close() error { return classify("close the archive", s.close()) }

// Check proves that the archive can be written to. It creates no directory and leaves nothing behind.
func (s *Store) Check(ctx context.Context) error {
	return classify("check the archive", s.volume.Probe(ctx))
}

func classify(op string, err error) error {
	return volume.Classify(op, err, volume.Words{Variable: setting, Again: "run the same command again"})
}

// streamDir is the folder of a stream.
func (s *Store) streamDir(k pipeline.StreamKey) string {
	return s.beneath(layout.StreamDir("", k)[1:])
}

func (s *Store) beneath(name string) string {
	if s.root == "" {
		return name
	}
	return s.root + "/" + name
}

// folder is that of a document, by the first window that it serves.
func (s *Store) folder(r pipeline.Request) (string, error) {
	if len(r.Windows) == 0 {
		return "", errors.New("a request serves no window")
	}
	k := pipeline.StreamKey{Account: r.Tenant.Account, Stream: r.Stream}
	if err := layout.SafeKey(k); err != nil {
		return "", err
	}
	w := r.Windows[0]
	zone, err := w.Location()
	if err != nil {
		return "", err
	}
	return path.Join(s.streamDir(k), layout.DateFolder(w.Start.In(zone))), nil
}

// windowBytes bounds how far back an encoder looks, and so the memory that it takes: many bodies are kept at once.
const windowBytes = 1 << 20

// encoder lends an encoder, which give takes back.
func (s *Store) encoder() (*zstd.Encoder, error) {
	if e, ok := s.coders.Get().(*zstd.Encoder); ok {
		return e, nil
	}
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowBytes), zstd.WithLowerEncoderMem(true))
}

func (s *Store) give(e *zstd.Encoder) {
	e.Reset(nil)
	s.coders.Put(e)
}
