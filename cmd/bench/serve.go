package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// vendor serves one input over loopback HTTP: as Dialpad's Stats API (order a
// report, look at it, download it), which answers any order with the whole
// document, or as uContact's, which answers with the asked days of it.
type vendor struct {
	url    string
	input  input
	server *http.Server
	ended  chan error
}

func serve(ctx context.Context, in input) (*vendor, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &vendor{url: "http://" + l.Addr().String(), input: in, ended: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/stats", answer(map[string]any{"request_id": "6001", "already_started": false}))
	mux.HandleFunc("GET /api/v2/stats/6001", answer(map[string]any{"status": "complete", "download_url": v.url + "/report.csv"}))
	mux.HandleFunc("GET /report.csv", v.report)
	mux.HandleFunc("POST /api/stats", v.stats)
	v.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { v.ended <- v.server.Serve(l) }()
	return v, nil
}

func (v *vendor) close() error {
	err := v.server.Close()
	if served := <-v.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func answer(body map[string]any) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(body)
	}
}

// report sends the file; the kernel copies it, so that serving costs little.
func (v *vendor) report(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/csv")
	http.ServeFile(rw, r, v.input.Path)
}

// stats sends the rows of the asked days.
func (v *vendor) stats(rw http.ResponseWriter, r *http.Request) {
	from, to, err := v.days(r)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	f, err := os.Open(v.input.Path)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close() //nolint:errcheck // it was only read
	first, end := v.input.Days[from], v.input.Days[to]-1
	if _, err := f.Seek(first, io.SeekStart); err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json;charset=utf-8")
	rw.Header().Set("Content-Length", strconv.FormatInt(end-first+2, 10))
	// A client that hangs up says so itself.
	_, _ = io.WriteString(rw, "[")
	_, _ = io.CopyN(rw, f, end-first)
	_, _ = io.WriteString(rw, "]")
}

// days are the asked days [from, to), counted from the input's first.
func (v *vendor) days(r *http.Request) (from, to int, err error) {
	start, _, err := v.input.span()
	if err != nil {
		return 0, 0, err
	}
	query := r.URL.Query()
	number := func(name string, inclusive time.Duration) int {
		wall, zone, _ := strings.Cut(query.Get(name), " UTC")
		at, failed := time.Parse(time.DateTime, wall)
		for n := range v.input.Days {
			if failed == nil && zone == "" && start.AddDate(0, 0, n).Equal(at.Add(inclusive)) {
				return n
			}
		}
		err = fmt.Errorf("%s is %q, which is no bound of a day of the input", name, query.Get(name))
		return 0
	}
	from, to = number("initialdate", 0), number("finaldate", time.Second)
	if err == nil && from >= to {
		err = errors.New("no day is asked for")
	}
	return from, to, err
}
