package vendorsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Running are the servers of a started world.
type Running struct {
	// UContactURL, ChatTonicURL and DownloadURL are the hosts' roots;
	// DialpadURL ends in /api/v2, as WINDROW_DIALPAD_URL does.
	UContactURL, ChatTonicURL, DialpadURL, DownloadURL string

	world   *World
	servers []*http.Server
	release func() bool // of the context's hold on Close

	pipes *pipes // of StartInMemory

	mu     sync.Mutex
	closed bool
	owned  sync.WaitGroup // Serve loops and handlers
}

// Start listens on loopback, on the options' addresses or free ports, until
// ctx ends or Close is called.
func (w *World) Start(ctx context.Context) (*Running, error) {
	return w.start(ctx, &Running{world: w}, func(address string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(address, "127.0.0.1:0"))
	})
}

// StartInMemory serves over pipes instead of sockets: real HTTP still, and
// inside a testing/synctest bubble, where time passes as soon as everyone
// waits. Clients need [Running.Transport].
func (w *World) StartInMemory(ctx context.Context) (*Running, error) {
	run := &Running{world: w, pipes: newPipes()}
	return w.start(ctx, run, run.pipes.listen)
}

func (w *World) start(ctx context.Context, run *Running, listen func(address string) (net.Listener, error)) (*Running, error) {
	o := w.settings()
	for _, host := range []struct {
		url     *string
		address string
		handler http.Handler
	}{
		{&run.UContactURL, o.UContact.Address, w.UContact()},
		{&run.ChatTonicURL, o.ChatTonic.Address, w.ChatTonic()},
		{&run.DialpadURL, o.Dialpad.Address, w.Dialpad()},
		{&run.DownloadURL, o.Dialpad.DownloadAddress, w.Download()},
	} {
		l, err := listen(host.address)
		if err != nil {
			run.Close()
			return nil, fmt.Errorf("vendorsim: %w", err)
		}
		*host.url = "http://" + l.Addr().String()
		if host.url == &run.UContactURL {
			l = w.Breaking(l)
		}
		run.serve(l, host.handler)
	}
	w.SetURLs(run.DialpadURL, run.DownloadURL)
	run.DialpadURL += "/api/v2"
	run.mu.Lock()
	run.release = context.AfterFunc(ctx, run.Close)
	run.mu.Unlock()
	return run, nil
}

// SetURLs tells the world where its Dialpad and download handlers are
// reachable, for a caller that serves them itself.
func (w *World) SetURLs(dialpad, downloads string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialpad.apiBase, w.dialpad.downloads = dialpad, downloads
}

func (run *Running) serve(l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if !run.enter() {
				panic(http.ErrAbortHandler)
			}
			defer run.owned.Done()
			h.ServeHTTP(rw, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	run.servers = append(run.servers, s)
	run.owned.Go(func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			_ = l.Close()
		}
	})
}

// enter counts a handler, unless the servers are closed.
func (run *Running) enter() bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	if !run.closed {
		run.owned.Add(1)
	}
	return !run.closed
}

// Close ends the servers, requests in progress too, and waits for all of it.
func (run *Running) Close() {
	run.mu.Lock()
	run.closed = true
	release := run.release
	run.mu.Unlock()
	if release != nil {
		release()
	}
	for _, s := range run.servers {
		_ = s.Close()
	}
	run.owned.Wait()
}

// Env are the variables that point a sync at the servers, as NAME=value.
func (run *Running) Env() []string {
	o := run.world.settings()
	u, c, d := o.UContact, o.ChatTonic, o.Dialpad
	env := []string{
		"WINDROW_UCONTACT_URL=" + run.UContactURL,
		"WINDROW_UCONTACT_TOKEN=" + u.Token,
		"WINDROW_UCONTACT_TIMEZONE=" + u.Zone.String(),
		"WINDROW_UCONTACT_AGENTS=" + strings.Join(u.Agents, ","),
		"WINDROW_UCONTACT_CAMPAIGNS=" + strings.Join(u.Campaigns, ","),
		"WINDROW_CHATTONIC_URL=" + run.ChatTonicURL,
		"WINDROW_CHATTONIC_TIMEZONE=" + c.Zone.String(),
		"WINDROW_DIALPAD_URL=" + run.DialpadURL,
		"WINDROW_DIALPAD_TOKEN=" + d.Token,
		"WINDROW_DIALPAD_TIMEZONE=" + d.Zone.String(),
		"WINDROW_DIALPAD_TARGETS=" + CallCenters()[0].String() + "," + CallCenters()[1].String(),
		"WINDROW_DIALPAD_POLL_FIRST=100ms",
		"WINDROW_DIALPAD_POLL_EVERY=100ms",
	}
	if c.StaticToken != "" {
		return append(env, "WINDROW_CHATTONIC_CODENAME="+c.Codename, "WINDROW_CHATTONIC_TOKEN="+c.StaticToken)
	}
	return append(env, "WINDROW_CHATTONIC_USERNAME="+c.Username, "WINDROW_CHATTONIC_PASSWORD="+c.Password)
}
