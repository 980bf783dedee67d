package endtoend

import (
	"bytes"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// inBucketAt is the prefix of warehouses in buckets.
const inBucketAt = "warehouse/"

// keysOfS3 are the variables of Amazon's credentials, which the server does not look at.
var keysOfS3 = map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}

// newBucket is a warehouse of Parquet files in a bucket of its own.
func newBucket(t *testing.T, kind storetest.Kind) string {
	t.Helper()
	server, name := storetest.Bucket(t, kind)
	if kind == storetest.GCS {
		return "gs://" + name + "/" + inBucketAt
	}
	return "s3://" + name + "/" + inBucketAt + "?region=eu-central-1&use_path_style=true&endpoint=" + url.QueryEscape(server)
}

// failing is the site's bucket behind a server that fails half the time.
func (s *site) failing() (root, server string) {
	s.Helper()
	server = endpointOf(s.T, s.root)
	front := storetest.HalfFailing(s.T, server)
	return strings.Replace(s.root, url.QueryEscape(server), url.QueryEscape(front), 1), front
}

func isBucket(root string) bool { return objectstore.Is(root) }

// kindOf is the kind of store that has a warehouse in a bucket.
func kindOf(root string) storetest.Kind {
	if strings.HasPrefix(root, objectstore.GCS+"://") {
		return storetest.GCS
	}
	return storetest.S3
}

func bucketOf(root string) string {
	_, name, _ := strings.Cut(root, "://")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// objectsOf are the objects of a warehouse in a bucket that lie in a folder (empty: all), by their names in the warehouse.
func objectsOf(t *testing.T, root, folder string) map[string]storetest.Object {
	t.Helper()
	all := make(map[string]storetest.Object)
	for name, o := range storetest.Objects(t, kindOf(root), bucketOf(root), path.Join(inBucketAt, folder)+"/") {
		all[strings.TrimPrefix(name, inBucketAt)] = o
	}
	return all
}

// filesOf is the warehouse as a directory: itself, or a copy of what a bucket holds in these folders (none: all).
func filesOf(t *testing.T, root string, folders ...string) (dir string) {
	t.Helper()
	if !isBucket(root) {
		return root
	}
	dir = t.TempDir()
	if len(folders) == 0 {
		folders = []string{""}
	}
	for _, folder := range folders {
		lay(t, dir, objectsOf(t, root, folder))
	}
	return dir
}

// lay writes objects as files.
func lay(t *testing.T, dir string, objects map[string]storetest.Object) {
	t.Helper()
	for name, o := range objects {
		file := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, o.Body, 0o600))
	}
}

// changing lets change the files of a warehouse, as somebody does behind the program's back. Of a bucket it changes the
// objects whose files differ afterwards.
func changing(t *testing.T, root string, change func(dir string)) {
	t.Helper()
	if !isBucket(root) {
		change(root)
		return
	}
	before, dir := objectsOf(t, root, ""), t.TempDir()
	lay(t, dir, before)
	change(dir)
	gone := maps.Clone(before)
	must(t, filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(file)
		name, _ := filepath.Rel(dir, file)
		name = filepath.ToSlash(name)
		if was, there := before[name]; !there || !bytes.Equal(was.Body, body) {
			storetest.Put(t, kindOf(root), bucketOf(root), inBucketAt+name, body)
		}
		delete(gone, name)
		return err
	}))
	for name := range gone {
		storetest.Remove(t, kindOf(root), bucketOf(root), inBucketAt+name)
	}
}
