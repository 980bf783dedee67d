// Package objectstore opens volumes in object stores: Google Cloud Storage, Amazon S3, and what speaks the latter's
// protocol. It alone links the clouds' clients for them, so that a sink that is handed a volume knows none.
//
//	gs://bucket/prefix
//	s3://bucket/prefix?region=eu-central-1&endpoint=https://…&use_path_style=true
//
// Credentials are found by each cloud's own rules. Start at [Open]; sinks/internal/bucket is the volume.
package objectstore

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/bucket"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/objectstore/gcs"
	"github.com/windrow-data/windrow/sinks/objectstore/s3"
)

// GCSServer is the variable that names another server than Google Cloud Storage, as typed. Its name has no prefix.
type GCSServer struct {
	Host string `envconfig:"STORAGE_EMULATOR_HOST" desc:"server that is asked in the place of Google Cloud Storage, without credentials: host:port"`
}

// URL is the root of that server; empty: there is none.
func (c *GCSServer) URL() (root string, faults []pipeline.ConfigError) {
	return rootOf("STORAGE_EMULATOR_HOST", c.Host, "localhost:4443")
}

// S3Server is the variable that names another server than Amazon S3, as typed; AWS's client obeys it. Its name has no
// prefix.
type S3Server struct {
	URLText string `envconfig:"AWS_ENDPOINT_URL" desc:"server that is asked in the place of Amazon S3: http://host:port"`
}

// URL is the root of that server; empty: there is none.
func (c *S3Server) URL() (root string, faults []pipeline.ConfigError) {
	return rootOf("AWS_ENDPOINT_URL", c.URLText, "http://localhost:9000")
}

func rootOf(variable, text, example string) (string, []pipeline.ConfigError) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	if !strings.Contains(text, "://") && !strings.Contains(example, "://") {
		text = "http://" + text
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", []pipeline.ConfigError{{Variable: variable, Problem: "names no server", Example: example}}
	}
	return strings.TrimRight(text, "/"), nil
}

// Options of a volume.
type Options struct {
	Now      func() time.Time // nil means time.Now
	RetryFor time.Duration    // how long a call is repeated that the store throttles or cannot serve
	Private  string           // the folder of what is not finished
	Emulator string           // in the place of Google Cloud Storage; see [GCSServer]
}

// Open returns the volume of an address. It finds the credentials, and asks the store nothing.
func Open(ctx context.Context, address string, o Options) (*bucket.Volume, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the bucket", Kind: pipeline.Invalid, Err: err, Hint: "for example gs://my-bucket/warehouse or s3://my-bucket/warehouse?region=eu-central-1"}
	}
	return a.open(ctx, o)
}

func (a Address) open(ctx context.Context, o Options) (_ *bucket.Volume, err error) {
	v := bucket.Options{Prefix: a.Prefix, Private: o.Private, RetryFor: o.RetryFor, Now: o.Now}
	switch a.Scheme {
	case GCS:
		v.Driver, err = gcs.Open(ctx, gcs.Options{Bucket: a.Bucket, Emulator: o.Emulator, UserAgent: "windrow"})
	case S3:
		v.Stamps, v.Doubtful = true, true // an entity tag is of the contents
		v.Driver, err = s3.Open(ctx, s3.Options{Bucket: a.Bucket, Region: a.Region, Endpoint: a.Endpoint, PathStyle: a.PathStyle, UserAgent: "windrow"})
	default:
		err = errors.New("no such store")
	}
	if err != nil {
		return nil, err
	}
	return bucket.New(v), nil
}

// OpenObject opens the object that an address names, or returns [io/fs.ErrNotExist]. What is read is of one version: of an
// object that is replaced or removed meanwhile reading fails. Reads obey ctx.
func OpenObject(ctx context.Context, address string, o Options) (volume.Content, error) {
	v, name, err := openObject(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return v.Open(ctx, name)
}

// Folder is what lies directly beneath an address, read under ctx.
func Folder(ctx context.Context, address string, o Options) (fs.FS, error) {
	v, err := Open(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return v.Folder(ctx), nil
}

// WriteObject puts the content in the place of the object that an address names, in one step.
func WriteObject(ctx context.Context, address string, body []byte, o Options) error {
	v, name, err := openObject(ctx, address, o)
	if err != nil {
		return err
	}
	return volume.Put(ctx, v, name, body)
}

// ReplaceObject puts into the place of the object that an address names what becomes of its content (nil: there is none), in
// one step. It looks again where somebody else has been faster, and leaves the object where write is false.
func ReplaceObject(ctx context.Context, address string, o Options, become func(there []byte) (body []byte, write bool)) error {
	v, name, err := openObject(ctx, address, o)
	if err != nil {
		return err
	}
	for range 10 {
		versions, err := v.Versions(ctx, name) // before it is read
		if err != nil {
			return err
		}
		var there []byte
		if versions[0] != volume.Absent {
			if there, err = v.Read(ctx, name); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
		}
		body, write := become(there)
		if !write {
			return nil
		}
		if err = volume.Replace(ctx, v, name, body, versions[0]); !errors.Is(err, volume.ErrChanged) {
			return err
		}
	}
	return &pipeline.Error{Op: "write " + address, Kind: pipeline.Unavailable, Err: volume.ErrChanged}
}

// openObject opens the place that an object lies in. Nothing of a volume's own is kept there.
func openObject(ctx context.Context, address string, o Options) (v *bucket.Volume, name string, err error) {
	a, err := ParseAddress(address)
	if err == nil && a.Prefix == "" {
		err = errors.New("it names no object of the bucket")
	}
	if err != nil {
		return nil, "", &pipeline.Error{Op: "open the bucket", Kind: pipeline.Invalid, Err: err, Hint: "for example gs://my-bucket/report.html"}
	}
	name = strings.TrimSuffix(a.Prefix, "/")
	a.Prefix = ""
	v, err = a.open(ctx, o)
	return v, name, err
}
