package vendorsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// content is the result of one processed request, shared by all ids that
// identical requests got while it was cached.
type content struct {
	params     statsParams
	data       Data // as it was then
	start, end time.Time
	days       []time.Time // starts of the asked local days, none in a reversed stats range
	zone       *time.Location
	style      CSVStyle
	made       time.Time
	polls      int // looks answered "processing" so far
	fails      bool
	zeros      bool // a reversed range
}

// report is one id that a POST gave out.
type report struct {
	content *content
	issued  time.Time
}

// ExpireReports kills all report ids: 400 "Results have expired". The cache
// by parameters stays.
func (w *World) ExpireReports() {
	now, life := w.Now(), w.settings().Dialpad.Lives.ID
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.dialpad.reports {
		r.issued = now.Add(-life)
	}
}

// DropCache forgets processed reports: the next identical POST starts afresh.
func (w *World) DropCache() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.dialpad.cache)
}

// statsCreate answers with a new id for every POST. Identical parameters within
// the cache's life are not processed again, but count towards the quota (vendor's Stats page).
func (w *World) statsCreate(rw http.ResponseWriter, r *http.Request) {
	o := w.settings()
	if wait, ok := w.takePost(o); !ok {
		throttle(rw, o, wait)
		return
	}
	p, err := parseStats(r.Body)
	if err != nil {
		dialpadError(rw, http.StatusBadRequest, "badRequest", err.Error())
		return
	}
	if slices.Contains(o.Dialpad.Refused, p.Stat+" "+p.Export) {
		dialpadError(rw, http.StatusBadRequest, "badRequest", "This export is not available for "+p.Target.Kind)
		return
	}
	if _, _, known := linesOf(p.Target); !known && !o.Dialpad.UnknownTargets {
		dialpadError(rw, http.StatusNotFound, "notFound", "Target not found")
		return
	}
	now, data := w.Now(), w.Data()
	life := o.Dialpad.Lives.CacheDays
	if p.Today || p.Start == 0 && p.End == 0 {
		life = o.Dialpad.Lives.CacheToday
	}
	w.mu.Lock()
	c := w.dialpad.cache[p.key()]
	already := c != nil && !c.fails && now.Sub(c.made) < life && !now.Before(c.made)
	if !already {
		c = newContent(p, o, data, now)
		c.fails = faultOf(r) == FaultReportFails
		w.dialpad.cache[p.key()] = c
	}
	w.issued++
	id := strconv.FormatUint(6_000_000_000_000_000+mix(o.Seed^w.issued)%900_000_000_000_000, 10)
	w.dialpad.reports[id] = &report{content: c, issued: now}
	w.mu.Unlock()
	sendJSON(rw, http.StatusOK, map[string]any{"request_id": id, "already_started": already})
}

// newContent fixes what a report holds: the days are counted back from the
// local date at this moment.
func newContent(p statsParams, o Options, data Data, now time.Time) *content {
	c := &content{params: p, data: data, made: now, style: o.Dialpad.CSV}
	c.zone, _ = time.LoadLocation(p.Zone)
	if p.Trainees {
		c.params.Target = Target{"user", Users()[0].ID}
	}
	today := addDays(startOfDay(now, c.zone), c.style.ShiftDays, c.zone)
	near, far := p.Start, p.End
	if near > far {
		near, far = far, near
		c.zeros = p.Export == "stats" // records behave, stats do not
	}
	cut := now.Add(-max(o.Dialpad.HistoryLag, 0))
	if near == 0 && far == 0 {
		cut = now.Truncate(30 * time.Minute) // real-time tables are refreshed every 30 minutes
	} else if near == 0 {
		near = 1 // a range that reaches today ends yesterday
	}
	for n := far; n >= near; n-- {
		c.days = append(c.days, addDays(today, -n, c.zone))
	}
	c.start, c.end = addDays(today, -far, c.zone), addDays(today, 1-near, c.zone)
	if p.Export == "records" {
		c.start, c.end = c.start.Add(-c.style.Spill), c.end.Add(c.style.Spill)
	}
	if cut.Before(c.end) {
		c.end = cut
	}
	return c
}

func (w *World) statsGet(rw http.ResponseWriter, id string) {
	o, now := w.settings(), w.Now()
	w.mu.Lock()
	rep := w.dialpad.reports[id]
	var age time.Duration
	status := ""
	if rep != nil {
		age = now.Sub(rep.issued)
		status = rep.content.look(o.Dialpad, now)
	}
	base := w.dialpad.downloads
	if o.Dialpad.Download != DownloadSigned || base == "" {
		base = w.dialpad.apiBase
	}
	w.mu.Unlock()
	switch {
	case rep == nil || age >= 2*o.Dialpad.Lives.ID:
		dialpadError(rw, http.StatusNotFound, "notFound", fmt.Sprintf("Request with id %s not found", id))
	case age >= o.Dialpad.Lives.ID:
		dialpadError(rw, http.StatusBadRequest, "badRequest", "Results have expired")
	case status != "complete":
		sendJSON(rw, http.StatusOK, map[string]any{"status": status})
	default:
		sendJSON(rw, http.StatusOK, map[string]any{
			"status": status, "file_type": "csv", "download_url": base + w.link(id, now.Add(o.Dialpad.Lives.Link)),
		})
	}
}

// look counts a poll and says how far the report is.
func (c *content) look(o DialpadOptions, now time.Time) string {
	if c.polls < o.ProcessingPolls || now.Sub(c.made) < o.Processing {
		c.polls++
		return "processing"
	}
	if c.fails {
		return "failed" // the vendor names no reason
	}
	return "complete"
}

// link is the signed path of a report's file.
func (w *World) link(id string, expires time.Time) string {
	at := strconv.FormatInt(expires.Unix(), 10)
	return "/exports/" + id + ".csv?Expires=" + at + "&Signature=" + w.signature(id, at)
}

func (w *World) signature(id, expires string) string {
	return fmt.Sprintf("%016x%016x", keyed(w.settings().Seed, "link", id, expires), keyed(1, id, expires))
}

// Download serves report files as a storage service does signed links: the
// signature is the permission, and a request with an Authorization header too is refused.
func (w *World) Download() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /exports/{file}", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			storageError(rw, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
			return
		}
		w.sendFile(rw, r)
	})
	return w.serve("download", mux)
}

// exportOnAPI serves or redirects downloads that point to the API host.
func (w *World) exportOnAPI(rw http.ResponseWriter, r *http.Request) {
	o := w.settings().Dialpad
	wantsKey := o.Download == DownloadFromAPI || o.Download == DownloadAPIRedirect
	if wantsKey && r.Header.Get("Authorization") != "Bearer "+o.Token {
		dialpadError(rw, http.StatusForbidden, "forbidden", "Forbidden")
		return
	}
	w.mu.Lock()
	base := w.dialpad.downloads
	w.mu.Unlock()
	if base != "" && (o.Download == DownloadRedirect || o.Download == DownloadAPIRedirect) {
		http.Redirect(rw, r, base+r.URL.RequestURI(), http.StatusFound)
		return
	}
	w.sendFile(rw, r)
}

func (w *World) sendFile(rw http.ResponseWriter, r *http.Request) {
	id := strings.TrimSuffix(r.PathValue("file"), ".csv")
	expires := r.URL.Query().Get("Expires")
	at, err := strconv.ParseInt(expires, 10, 64)
	if err != nil || r.URL.Query().Get("Signature") != w.signature(id, expires) {
		storageError(rw, http.StatusForbidden, "SignatureDoesNotMatch", "Access denied.")
		return
	}
	if w.Now().Unix() >= at {
		storageError(rw, http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
		return
	}
	w.mu.Lock()
	rep := w.dialpad.reports[id]
	w.mu.Unlock()
	if rep == nil {
		storageError(rw, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	rw.Header().Set("Content-Type", "text/csv; charset=utf-8")
	rw.Header().Set("Content-Disposition", `attachment; filename="export.csv"`)
	if err := rep.content.write(r.Context(), rw); err != nil {
		panic(http.ErrAbortHandler) // the client went away or the server closes
	}
}

func storageError(rw http.ResponseWriter, status int, code, text string) {
	rw.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, "<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>%s</Message></Error>", code, text)
}
