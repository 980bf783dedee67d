// Package connectors holds what every connector is opened with.
//
// It is no list of vendors and knows none: each stands alone in a folder below,
// and cmd brings them together. Package pipeline says what a Source promises.
// Start at connectortest/example_test.go, a whole connector in a hundred lines;
// of the real ones ucontact is the shortest.
package connectors

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Options are what a source needs besides its settings.
type Options struct {
	Account   pipeline.AccountID // required: whose rows, ledgers and quotas these are
	Clock     pipeline.Clock     // the time that plans, counts days ago and stamps what is read; nil: Now
	Now       func() time.Time   // the real time: quotas, waits, the time of reading; nil: time.Now
	RetryFor  time.Duration      // how long one request is retried
	Task      string             // names this process among those that share the vendor's limits; empty when it is alone
	Tasks     int                // how many processes share them: each takes its share of rates and quotas; 0 means 1
	Transport http.RoundTripper  // nil: a clone of http.DefaultTransport
	Warn      func(text string)  // told what is wrong and ends no run, once each; nil: nobody listens
	Policy    pipeline.Policy    // what becomes of personal data; the zero value keeps it
	Disk      Disk               // for a source whose answers arrive as files; the zero value has none
}

// Disk is where a connector may read and keep files: folders of the machine and places in buckets.
type Disk struct {
	// Folder is the folder of a path (as os.DirFS), or what lies in a bucket directly beneath gs://bucket/prefix or s3://…,
	// read under ctx.
	Folder func(ctx context.Context, path string) (fs.FS, error)
	Temp   func() (TempFile, error) // os.CreateTemp, in the system's temporary folder
	Remove func(name string) error  // os.Remove
}

// TempFile is an open temporary file.
type TempFile interface {
	io.ReadWriteSeeker
	io.ReaderAt
	io.Closer
	Name() string
}

// Complete fills in what was left out and has a default. The error is of kind
// Internal: who opens a source names its account.
func (o Options) Complete() (Options, error) {
	if o.Account == "" {
		return o, &pipeline.Error{Op: "open a source", Kind: pipeline.Internal, Err: errors.New("the source has no account")}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Clock == nil {
		o.Clock = o.Now
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	o.Tasks = max(1, o.Tasks)
	return o, nil
}

// Notifier returns what passes lines of progress about r on to env. env may
// listen to none.
func Notifier(env pipeline.Env, r pipeline.Request) func(text string, until time.Time) {
	return func(text string, until time.Time) {
		if env.Notify != nil {
			env.Notify(pipeline.Notice{Request: r, Text: text, Until: until})
		}
	}
}

// OfAccount gives all streams of an account its mask and its owner.
func OfAccount(streams []pipeline.Stream, m pipeline.Mask, owner func() pipeline.Owner) []pipeline.Stream {
	for i := range streams {
		streams[i].Mask, streams[i].Owner = m, owner
	}
	return streams
}

// Rate is this process's share of a request rate that the vendor grants to all;
// 0 stays unlimited.
func (o Options) Rate(whole float64) float64 { return whole / float64(max(1, o.Tasks)) }

// Share is this process's share of a count that bounds all, rounded down and at
// least 1.
func (o Options) Share(whole int) int { return max(1, whole/max(1, o.Tasks)) }
