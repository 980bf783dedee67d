// Package gcs drives a bucket of Google Cloud Storage, by generations. Start at [Open].
package gcs

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"

	"github.com/windrow-data/windrow/sinks/internal/bucket"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Options of a Driver.
type Options struct {
	Bucket    string
	Emulator  string // root of a server that stands in for the real one, and is asked without credentials; empty: none
	UserAgent string
}

// Driver implements [bucket.Driver].
type Driver struct {
	bucket  string
	objects *storage.ObjectsService
}

var _ bucket.Driver = (*Driver)(nil)

// Open returns the driver. It finds the credentials, and asks the store nothing.
func Open(ctx context.Context, o Options) (*Driver, error) {
	options := []option.ClientOption{option.WithScopes(storage.DevstorageReadWriteScope), option.WithUserAgent(o.UserAgent)}
	if o.Emulator != "" {
		options = []option.ClientOption{option.WithoutAuthentication(), option.WithEndpoint(o.Emulator + "/storage/v1/"), option.WithUserAgent(o.UserAgent)}
	}
	service, err := storage.NewService(ctx, options...)
	if err != nil {
		return nil, noCredentials(err)
	}
	return &Driver{bucket: o.Bucket, objects: service.Objects}, nil
}

// once is how often a call is attempted here: package bucket repeats it.
func once(error) bool { return false }

// List implements [bucket.Driver].
func (d *Driver) List(ctx context.Context, prefix, after string, most int) ([]bucket.Object, bool, error) {
	call := d.objects.List(d.bucket).Context(ctx).Prefix(prefix).MaxResults(int64(most)+1).
		Fields("items(name,generation,size,updated)", "nextPageToken")
	if after != "" {
		call.StartOffset(after) // which is in the answer as well
	}
	answer, err := call.Do()
	if err != nil {
		return nil, false, d.classify("list the bucket", err, true)
	}
	var page []bucket.Object
	for _, o := range answer.Items {
		if o.Name <= after {
			continue
		}
		updated, _ := time.Parse(time.RFC3339, o.Updated) // zero is old, and only of drafts anybody asks
		page = append(page, bucket.Object{Name: o.Name, Version: version(o.Generation), Size: int64(o.Size), Updated: updated})
	}
	more := answer.NextPageToken != "" || len(page) > most
	return page[:min(len(page), most)], more, nil
}

func version(generation int64) volume.Version {
	return volume.Version(strconv.FormatInt(generation, 10))
}

// generation is what a version says; of one that no object can have it is -1.
func generation(v volume.Version) int64 {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 1 {
		return -1
	}
	return n
}

// Get implements [bucket.Driver].
func (d *Driver) Get(ctx context.Context, name string, of volume.Version, from, n int64) (io.ReadCloser, error) {
	call := d.objects.Get(d.bucket, name).Context(ctx)
	if of != volume.Any {
		call.Generation(generation(of))
	}
	if n >= 0 {
		call.Header().Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	}
	answer, err := call.Download()
	if err != nil {
		return nil, d.classify("read an object", named(name, err), false)
	}
	return answer.Body, nil
}

// Put implements [bucket.Driver].
func (d *Driver) Put(ctx context.Context, name string, body bucket.Body, over volume.Version) error {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, body.CRC32C))
	call := d.objects.Insert(d.bucket, &storage.Object{Name: name, Crc32c: sum, ContentType: "application/octet-stream"}).Context(ctx).
		Fields("generation").WithRetry(nil, once).
		Media(body.Open(), googleapi.ChunkSize(0), googleapi.ContentType("application/octet-stream"))
	switch over {
	case volume.Any:
	case volume.Absent:
		call.IfGenerationMatch(0)
	default:
		g := generation(over)
		if g < 0 {
			return fmt.Errorf("%s: %w", name, volume.ErrChanged)
		}
		call.IfGenerationMatch(g)
	}
	_, err := call.Do()
	return d.classify("write an object", named(name, err), true)
}

// Remove implements [bucket.Driver]. It names the generation itself: whatever took its place stays.
func (d *Driver) Remove(ctx context.Context, name string, of volume.Version) error {
	call := d.objects.Delete(d.bucket, name).Context(ctx)
	if of == volume.Any {
		return d.classify("remove an object", named(name, call.Do()), false)
	}
	g := generation(of)
	if g > 0 {
		err := call.Generation(g).Do()
		if err == nil || !isStatus(err, http.StatusNotFound) {
			return d.classify("remove an object", named(name, err), false)
		}
	}
	page, _, err := d.List(ctx, name, "", 1)
	switch {
	case err != nil:
		return err
	case len(page) == 0 || page[0].Name != name:
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return fmt.Errorf("%s: %w", name, volume.ErrChanged)
}
