package vendorsim

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"
)

// FaultKind is a way in which an HTTP request goes wrong.
type FaultKind uint8

const (
	// FaultReset resets the connection before the request has any effect.
	FaultReset FaultKind = iota + 1
	// FaultLost lets the request take effect and resets the connection instead of answering.
	FaultLost
	// FaultStatus answers Code with Body, and Retry-After as the fault says.
	FaultStatus
	// FaultHTML answers 200 with a page, as a proxy or a login wall does.
	FaultHTML
	// FaultBlank answers 200 without a body.
	FaultBlank
	// FaultCut breaks the connection off after Bytes of a chunked body.
	FaultCut
	// FaultShort declares the whole length, sends Bytes and closes the connection.
	FaultShort
	// FaultTruncate sends a complete HTTP answer whose document ends after Bytes.
	FaultTruncate
	// FaultSlow sends the body Bytes by Bytes (default 256), each after Pause.
	FaultSlow
	// FaultHang never answers.
	FaultHang
	// FaultReplace answers 200 with Body in the content type of the real answer.
	FaultReplace
	// FaultRaw writes Body to the connection as it stands, status line and all, and closes it.
	FaultRaw
	// FaultReportFails lets the report that a Dialpad POST starts end as "failed".
	FaultReportFails
)

// Fault makes requests fail. The zero fields of its condition match everything.
type Fault struct {
	Host   string // ucontact, chattonic, dialpad or download
	Method string
	Path   string // a prefix
	Match  func(*http.Request) bool

	Kind FaultKind
	// Effect lets the request take effect before FaultStatus, FaultHang or FaultRaw.
	Effect bool
	Skip   int // so many matching requests go well first
	Times  int // then so many fail; 0: one, negative: all

	Code       int         // of FaultStatus
	Body       string      // of FaultStatus and FaultReplace
	Header     http.Header // is added to the answer, whatever the kind
	RetryAfter time.Duration
	Style      RetryAfterStyle // how RetryAfter is written
	// Bytes is where the body ends. Zero: in its middle. Negative: so many
	// bytes before its end, so that -3 cuts the last row of a CSV short.
	Bytes int
	Pause time.Duration
}

type armed struct {
	Fault
	skipped, done int
}

// Inject arms a fault. Faults are tried in the order of their injection; one
// that is used up makes room for the next.
func (w *World) Inject(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &armed{Fault: f})
}

// ClearFaults disarms everything, FailNth and BreakOff too.
func (w *World) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults, w.breaks = nil, nil
	clear(w.nth)
}

// FailNth resets the connection of the n-th request from 1, counted over all
// hosts as [Call.Number] is. A sweep runs n up until a run's log is shorter.
func (w *World) FailNth(n int) { w.FailNthWith(n, FaultReset) }

// FailNthWith makes the n-th request fail in another way.
func (w *World) FailNthWith(n int, kind FaultKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nth[n] = kind
}

// faultFor picks the fault of a request, nil for none.
func (w *World) faultFor(c *Call, r *http.Request) *Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind, ok := w.nth[c.Number]; ok {
		return &Fault{Kind: kind, Code: http.StatusInternalServerError}
	}
	for _, f := range w.faults {
		if times := max(f.Times, 1); f.Times >= 0 && f.done >= times || !f.matches(c, r) {
			continue
		}
		if f.skipped < f.Skip {
			f.skipped++
			continue
		}
		f.done++
		return &f.Fault
	}
	return nil
}

func (f *Fault) matches(c *Call, r *http.Request) bool {
	return (f.Host == "" || f.Host == c.Host) && (f.Method == "" || f.Method == c.Method) &&
		strings.HasPrefix(c.Path, f.Path) && (f.Match == nil || f.Match(r))
}

type faultKey struct{}

// faultOf is the fault that a handler has to carry out itself.
func faultOf(r *http.Request) FaultKind {
	kind, _ := r.Context().Value(faultKey{}).(FaultKind)
	return kind
}

// serve wraps a host's handler: log, faults, gzip, the time of the answer.
func (w *World) serve(host string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		c := w.record(host, r)
		rw.Header()["Date"] = w.date()
		out := &noted{ResponseWriter: rw, note: func(status int) { w.answered(c, status) }}
		f := w.faultFor(c, r)
		switch {
		case f != nil:
			f.apply(out, r, h, w.settings().Real())
		case w.settings().Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
			serveGzip(out, r, h)
		default:
			h.ServeHTTP(out, r)
		}
	})
}

// date is the Date of an answer now; nil keeps net/http from sending its own.
func (w *World) date() []string {
	o := w.settings()
	if o.NoDate {
		return nil
	}
	return []string{o.Real().UTC().Format(http.TimeFormat)}
}

// apply answers a request wrongly.
func (f *Fault) apply(out *noted, r *http.Request, h http.Handler, now time.Time) {
	maps.Copy(out.Header(), f.Header)
	if f.Effect {
		h.ServeHTTP(&kept{header: http.Header{}}, r)
	}
	switch f.Kind {
	case FaultReset:
		out.reset()
	case FaultLost:
		h.ServeHTTP(&kept{header: http.Header{}}, r)
		out.reset()
	case FaultStatus:
		setRetryAfter(out.Header(), f.Style, f.RetryAfter, now)
		out.WriteHeader(f.Code)
		_, _ = out.Write([]byte(f.Body))
	case FaultHTML:
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = out.Write([]byte("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><p>Please sign in, \"again\".</p></body></html>\n"))
	case FaultBlank:
		h.ServeHTTP(&kept{header: http.Header{}}, r)
		out.WriteHeader(http.StatusOK)
	case FaultHang:
		<-r.Context().Done()
	case FaultRaw:
		out.raw(f.Body)
	case FaultReplace:
		k := &kept{header: http.Header{}}
		h.ServeHTTP(k, r)
		out.Header().Set("Content-Type", k.header.Get("Content-Type"))
		_, _ = out.Write([]byte(f.Body))
	case FaultReportFails:
		h.ServeHTTP(out, r.WithContext(context.WithValue(r.Context(), faultKey{}, f.Kind)))
	default:
		f.damage(out, r, h)
	}
}

// setRetryAfter names the time to wait in one of the two forms of HTTP.
func setRetryAfter(h http.Header, style RetryAfterStyle, wait time.Duration, now time.Time) {
	switch style {
	case RetryAfterSeconds:
		h.Set("Retry-After", seconds(wait))
	case RetryAfterDate:
		h.Set("Retry-After", now.Add(wait).UTC().Format(http.TimeFormat))
	}
}
