// Stores is the servers that the tests ask in the place of Google Cloud Storage and of S3, with buckets in memory:
//
//	stores gcs|s3|s3-unfenced|s3-deaf
//
// It tells its address in one line and ends with its standard input. It has a module of its own, so that the program
// depends on none of it.
//
// Google Cloud Storage is fake-gcs-server, as it is: it obeys the conditions of an upload, and removes a generation that is
// named. S3 is gofakes3, which obeys the conditions of an upload, If-Match and If-None-Match, under one lock, and knows none of
// a removal: s3-unfenced is gofakes3 as it is, and s3 has the condition of a removal from here. s3-deaf is gofakes3
// without any condition, like the stores that must be refused.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one kind of store is wanted, and %d words came", len(args))
	}
	handler, err := storeOf(args[0])
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	fmt.Printf("http://%s\n", l.Addr())
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func storeOf(kind string) (http.Handler, error) {
	s3 := func() http.Handler {
		return gofakes3.New(s3mem.New(), gofakes3.WithHostBucket(false), gofakes3.WithTimeSkewLimit(0)).Server()
	}
	switch kind {
	case "gcs":
		server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
		if err != nil {
			return nil, err
		}
		return server.HTTPHandler(), nil
	case "s3":
		return &fence{store: s3()}, nil
	case "s3-unfenced":
		return s3(), nil
	case "s3-deaf":
		return deaf{s3()}, nil
	}
	return nil, fmt.Errorf("%q is no kind of store", kind)
}

// fence obeys If-Match where an object is removed. Nothing else happens meanwhile.
type fence struct {
	mu    sync.RWMutex
	store http.Handler
}

func (f *fence) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tag := r.Header.Get("If-Match")
	if r.Method != http.MethodDelete || tag == "" {
		f.mu.RLock()
		defer f.mu.RUnlock()
		f.store.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	look := r.Clone(r.Context())
	look.Method, look.Body = http.MethodHead, http.NoBody
	look.Header.Del("If-Match")
	is := httptest.NewRecorder()
	f.store.ServeHTTP(is, look)
	switch {
	case is.Code == http.StatusNotFound:
		w.WriteHeader(http.StatusNotFound)
	case is.Header().Get("ETag") != tag:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		f.store.ServeHTTP(w, r)
	}
}

// deaf obeys no condition.
type deaf struct{ store http.Handler }

func (d deaf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("If-Match")
	r.Header.Del("If-None-Match")
	d.store.ServeHTTP(w, r)
}
