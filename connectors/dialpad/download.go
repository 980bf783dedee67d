package dialpad

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// download is a finished report that may be opened several times. Its link and
// its id die sooner or later; the same parameters always find the report again.
type download struct {
	report *report

	mu     sync.Mutex
	handle handle
	link   string
}

// open reads the report: by the link at hand, else by the one that the report's
// id has now, else by the link of the same report posted again.
func (d *download) open(ctx context.Context) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	renew := []func(context.Context) error{d.pollAgain, d.postAgain}
	for {
		body, err := d.report.get(ctx, d.link)
		if !linkDied(err) {
			return body, d.report.src.explain(err)
		}
		for renewed := false; !renewed; renew = renew[1:] {
			if len(renew) == 0 {
				return nil, d.report.src.explain(deadLink(err))
			}
			switch err := renew[0](ctx); {
			case err == nil:
				renewed = true
			case !errors.Is(err, errExpired):
				return nil, d.report.src.explain(err)
			}
		}
	}
}

// pollAgain asks the report's id for its link.
func (d *download) pollAgain(ctx context.Context) error {
	known := d.handle
	known.cached = true // it was made once: no wait
	link, err := d.report.poll(ctx, known)
	if errors.Is(err, errFailed) {
		return errExpired
	}
	if err == nil {
		d.link = link
	}
	return err
}

// postAgain asks for the report anew. What the body's Meta says must stay true.
func (d *download) postAgain(ctx context.Context) error {
	h, link, err := d.report.make(ctx)
	if err != nil {
		return err
	}
	if h.doubtful && !d.handle.doubtful {
		return &pipeline.Error{
			Op: "download the report", Kind: pipeline.Unavailable,
			Err: errors.New("the report had to be ordered again, and the vendor answered from its cache shortly after local midnight"),
		}
	}
	d.handle, d.link = h, link
	return nil
}

// get downloads a link, without the key: it is signed. Only when the
// configured host itself refuses is the key shown, and to nobody else.
func (r *report) get(ctx context.Context, link string) (io.ReadCloser, error) {
	const op = "download the report"
	u, err := url.Parse(link)
	if err == nil {
		err = httpclient.CheckURL(u)
	}
	if err != nil { // of url.Parse it would quote the link
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: errors.New("the download_url is not an https address")}
	}
	q := httpclient.Request{Op: op, Method: http.MethodGet, URL: u, Since: r.since, WaitThrottled: true, Notify: r.notify}
	answer, err := r.src.client.Do(ctx, q)
	if code, fromBase := statusOf(err); fromBase && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
		q.Credential = r.src.credential()
		answer, err = r.src.client.Do(ctx, q)
	}
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// linkDied tells whether a link may have expired: a new one is worth asking for.
func linkDied(err error) bool {
	switch code, _ := statusOf(err); code {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// deadLink is the error of a report whose newest link is refused too. It speaks
// of the key only where the configured host refused that.
func deadLink(err error) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	if _, fromBase := statusOf(err); fromBase {
		return err
	}
	said := *e
	said.Kind = pipeline.Refused
	said.Hint = "the vendor's newest link to the report is refused as well; the next sync orders it anew"
	return &said
}
