// Package storetest starts the servers that stand in for object stores (.ci/stores), and makes buckets in them.
//
// It is for tests. Start at [Bucket]; objects.go looks into buckets, as somebody does behind a program's back.
package storetest

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Kind is a kind of store; .ci/stores says what each obeys.
type Kind string

// The kinds.
const (
	GCS        Kind = "gcs"
	S3         Kind = "s3"
	S3Unfenced Kind = "s3-unfenced"
	S3Deaf     Kind = "s3-deaf"
)

// server is a running server. It ends with the process of the tests, whose end closes its input.
type server struct {
	once sync.Once
	url  string
	err  error
	in   io.WriteCloser // kept open
}

var servers = map[Kind]*server{GCS: {}, S3: {}, S3Unfenced: {}, S3Deaf: {}}

// Server is the address of the server of a kind: http://127.0.0.1:port. All tests of a process share it.
func Server(t testing.TB, kind Kind) string {
	t.Helper()
	s := servers[kind]
	s.once.Do(func() { s.err = s.start(kind) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.url
}

func (s *server) start(kind Kind) error {
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		return fmt.Errorf("the folder of the tests is not known")
	}
	dir := filepath.Join(filepath.Dir(here), "..", "..", "..", ".ci", "stores")
	run := exec.CommandContext(context.Background(), "go", "run", ".", string(kind)) // Go's cache keeps the program
	run.Dir = dir
	var said strings.Builder
	run.Stderr = &said
	var err error
	if s.in, err = run.StdinPipe(); err != nil {
		return err
	}
	out, err := run.StdoutPipe()
	if err != nil {
		return err
	}
	if err := run.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the server of %s did not start: %w\n%s", kind, err, said.String())
	}
	s.url = strings.TrimSpace(line)
	return nil
}

// Bucket makes an empty bucket in the server of a kind.
func Bucket(t testing.TB, kind Kind) (url, name string) {
	t.Helper()
	url, name = Server(t, kind), "b-"+strings.ToLower(rand.Text())
	if kind == GCS {
		ask(t, http.MethodPost, url+"/storage/v1/b?project=test", fmt.Appendf(nil, `{"name":%q}`, name))
	} else {
		ask(t, http.MethodPut, url+"/"+name, nil)
	}
	return url, name
}
