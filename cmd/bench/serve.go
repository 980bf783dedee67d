package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
)

// vendor serves one input over loopback HTTP: as Dialpad's Stats API (order a
// report, look at it, download it) or as uContact's. It answers any question
// with the whole document, so what is asked must be what the document holds.
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
	mux.HandleFunc("GET /report.csv", v.document("text/csv"))
	mux.HandleFunc("POST /api/stats", v.document("application/json"))
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

// document sends the file; the kernel copies it, so that serving costs little.
func (v *vendor) document(contentType string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		get := r.Clone(r.Context())
		get.Method, get.Header = http.MethodGet, http.Header{}
		http.ServeFile(rw, get, v.input.Path)
	}
}
