package main

import (
	"context"
	"io/fs"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/intake"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	bodies "github.com/windrow-data/windrow/sinks/archive"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
	"github.com/windrow-data/windrow/sinks/pushledger"
)

// inBucket is Parquet in the buckets of one kind of store.
func inBucket(scheme, example string, server *emulator) sink {
	return configured[parquet.Config](func(ctx context.Context, _ *parquet.Settings, o sinkOptions) (pipeline.Store, error) {
		v, err := objectstore.Open(ctx, o.address, bucketOptions(o, parquet.Private))
		if err != nil {
			return nil, err
		}
		return parquet.Over(v, o.address, parquet.Options{Now: o.now}), nil
	}, sink{
		scheme: scheme, example: example, emulator: server,
		checkAddress: func(address string) error { _, err := objectstore.ParseAddress(address); return err },
		archive:      func(address string) string { return objectstore.Beneath(address, parquet.ArchiveDir) },
		ledger: func(ctx context.Context, o sinkOptions) (push.Ledger, error) {
			return ledgerInBucket(ctx, objectstore.Beneath(o.address, parquet.PushDir), o)
		},
	})
}

// ledgerInBucket is the send ledger in a bucket.
func ledgerInBucket(ctx context.Context, address string, o sinkOptions) (push.Ledger, error) {
	v, err := objectstore.Open(ctx, address, bucketOptions(o, pushledger.Private))
	if err != nil {
		return nil, err
	}
	return pushledger.Over(v), nil
}

// archiveInBucket is the archive in a bucket.
func archiveInBucket(ctx context.Context, address string, o sinkOptions) (*bodies.Store, error) {
	v, err := objectstore.Open(ctx, address, bucketOptions(o, bodies.Private))
	if err != nil {
		return nil, err
	}
	return bodies.Over(v), nil
}

// objectOfContacts is an object that contacts come from.
func (a *app) objectOfContacts(ctx context.Context, s *setup, address string) (intake.Body, error) {
	o, err := a.besides(s, address, nil)
	if err != nil {
		return nil, err
	}
	return objectstore.OpenObject(ctx, address, bucketOptions(o, pushledger.Private))
}

// folderInBucket is a place in a bucket that files are put into.
func (a *app) folderInBucket(ctx context.Context, s *setup, address string) (fs.FS, error) {
	o, err := a.besides(s, address, nil)
	if err != nil {
		return nil, err
	}
	return objectstore.Folder(ctx, address, bucketOptions(o, parquet.Private))
}

func bucketOptions(o sinkOptions, private string) objectstore.Options {
	return objectstore.Options{Now: o.now, RetryFor: o.retryFor, Private: private, Emulator: o.emulator}
}

// gcsEmulator and s3Server are who is asked in the place of the clouds.
var (
	gcsEmulator = &emulator{
		variables: config.Variables("", new(objectstore.GCSServer)), read: readServer(new(objectstore.GCSServer)),
		notice: "STORAGE_EMULATOR_HOST is set: Google Cloud Storage is an emulator, asked without credentials",
	}
	s3Server = &emulator{
		variables: config.Variables("", new(objectstore.S3Server)), read: readServer(new(objectstore.S3Server)),
		notice: "AWS_ENDPOINT_URL is set: another server is asked in the place of Amazon S3",
	}
)

// readServer reads the variable that c holds.
func readServer(c interface {
	URL() (string, []pipeline.ConfigError)
}) func() (string, []pipeline.ConfigError, error) {
	return func() (string, []pipeline.ConfigError, error) {
		if err := config.Fill("", c); err != nil {
			return "", nil, err
		}
		url, faults := c.URL()
		return url, faults, nil
	}
}

// besides is how a place besides the sink is opened, in a bucket. Who is asked there is told, unless the sink's own has told it.
func (a *app) besides(s *setup, address string, waiting func(string)) (sinkOptions, error) {
	o := sinkOptions{address: address, now: a.now, retryFor: s.RetryFor, waiting: waiting}
	k := sinkOf(address)
	if k.emulator == nil {
		return o, nil
	}
	url, faults, err := k.emulator.read()
	if err == nil && len(faults) > 0 {
		err = &faultsError{faults}
	}
	if o.emulator = url; url != "" && k.scheme != s.target.scheme {
		s.log.Info(k.emulator.notice, "endpoint", url)
	}
	return o, err
}
