package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// vendorOptions are the latencies of simulated vendors; zero: as fast as they are.
type vendorOptions struct {
	call   time.Duration // of uContact, Chat-Tonic and the host of Dialpad's downloads
	report time.Duration // of Dialpad, from POST to ready
	endure bool          // Dialpad answers any number of requests
}

// vendors are the three simulated ones, behind servers of our own.
type vendors struct {
	options vendorOptions
	world   atomic.Pointer[vendorsim.World]
	busy    busyTime
	servers []*http.Server
	ended   chan error
	urls    []string // ucontact, chattonic, dialpad, download
}

func startVendors(ctx context.Context, o vendorOptions) (*vendors, error) {
	v := &vendors{options: o, ended: make(chan error, 4)}
	for _, host := range []struct {
		latency time.Duration
		handler func(*vendorsim.World) http.Handler
	}{
		{o.call, (*vendorsim.World).UContact}, {o.call, (*vendorsim.World).ChatTonic},
		{0, (*vendorsim.World).Dialpad}, {o.call, (*vendorsim.World).Download},
	} {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, v.close())
		}
		v.urls = append(v.urls, "http://"+l.Addr().String())
		s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			defer v.busy.begin()()
			if pipeline.Sleep(r.Context(), host.latency) == nil {
				host.handler(v.world.Load()).ServeHTTP(rw, r)
			}
		})}
		v.servers = append(v.servers, s)
		go func() { v.ended <- s.Serve(l) }()
	}
	v.forget()
	return v, nil
}

// forget begins with vendors that have cached nothing, whose quotas are unused
// and who were asked nothing.
func (v *vendors) forget() {
	dialpad := vendorsim.DialpadOptions{Processing: v.options.report, ProcessingPolls: -1, UnknownTargets: true}
	if v.options.endure {
		dialpad.Limits = vendorsim.DialpadLimits{Posts: -1, Rate: -1}
	}
	world := vendorsim.New(vendorsim.Options{Seed: 1, Gzip: true, UContact: vendorsim.UContactOptions{Agents: agentNames(waitingAgents)}, Dialpad: dialpad})
	world.SetURLs(v.urls[2], v.urls[3])
	v.world.Store(world)
	v.busy.reset()
}

func (v *vendors) close() error {
	var errs []error
	for _, s := range v.servers {
		errs = append(errs, s.Close())
		if err := <-v.ended; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// agentNames are the first n of the vendors' agents.
func agentNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("Agent%d", i+1)
	}
	return names
}

// env configures every stream, by default rates, quotas and intervals.
func (v *vendors) env(sink string, targets, agents int) []string {
	var asked []string
	for _, t := range vendorsim.CallCenters() {
		asked = append(asked, t.String())
	}
	for n := len(asked); n < targets; n++ {
		asked = append(asked, fmt.Sprintf("department:%d", 9000+n))
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + sink, "WINDROW_SINK=" + sink, "WINDROW_LOG_LEVEL=warn",
		"WINDROW_UCONTACT_URL=" + v.urls[0], "WINDROW_UCONTACT_TOKEN=ucontact-token", "WINDROW_UCONTACT_TIMEZONE=America/Mexico_City",
		"WINDROW_UCONTACT_AGENTS=" + strings.Join(agentNames(agents), ","), "WINDROW_UCONTACT_CAMPAIGNS=Ventas,Soporte<-",
		"WINDROW_CHATTONIC_URL=" + v.urls[1], "WINDROW_CHATTONIC_TIMEZONE=America/Argentina/Buenos_Aires",
		"WINDROW_CHATTONIC_USERNAME=reports@acme.example", "WINDROW_CHATTONIC_PASSWORD=correct horse",
		"WINDROW_DIALPAD_URL=" + v.urls[2] + "/api/v2", "WINDROW_DIALPAD_TOKEN=dialpad-key", "WINDROW_DIALPAD_TIMEZONE=America/Chicago",
		"WINDROW_DIALPAD_TARGETS=" + strings.Join(asked, ","),
	}
}

// story tells when each host had its last request, counted from began.
func (v *vendors) story(began time.Time) string {
	last := map[string]time.Duration{}
	count := map[string]int{}
	for _, c := range v.world.Load().Log() {
		last[c.Host] = max(last[c.Host], c.At.Sub(began))
		count[c.Host]++
	}
	var parts []string
	for _, host := range []string{"ucontact", "chattonic", "dialpad", "download"} {
		parts = append(parts, fmt.Sprintf("%s: %d requests, last at %.1f s", host, count[host], last[host].Seconds()))
	}
	return strings.Join(parts, "; ")
}

// busyTime is how long at least one request was under way.
type busyTime struct {
	mu       sync.Mutex
	underway int
	since    time.Time
	sum      time.Duration
}

// begin counts a request until end is called.
func (b *busyTime) begin() (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.underway == 0 {
		b.since = time.Now()
	}
	b.underway++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.underway--; b.underway == 0 {
			b.sum += time.Since(b.since)
		}
	}
}

func (b *busyTime) total() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum
}

func (b *busyTime) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum = 0
}
