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
// its id die sooner or later; the parameters of the order always find it again.
type download struct {
	order *order

	mu      sync.Mutex
	receipt receipt
	link    string
}

// open reads the report: by the link at hand, else by the one that the report's
// id has now, else by that of the same report ordered again.
func (d *download) open(ctx context.Context) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	renew := []func(context.Context) error{d.lookAgain, d.orderAgain}
	for {
		body, err := d.order.get(ctx, d.link)
		if !linkDied(err) {
			return body, d.order.src.explain(err)
		}
		for renewed := false; !renewed; renew = renew[1:] {
			if len(renew) == 0 {
				return nil, d.order.src.explain(deadLink(err))
			}
			switch err := renew[0](ctx); {
			case err == nil:
				renewed = true
			case !errors.Is(err, errExpired):
				return nil, d.order.src.explain(err)
			}
		}
	}
}

// lookAgain asks the report's id for its link.
func (d *download) lookAgain(ctx context.Context) error {
	known := d.receipt
	known.cached = true // it was made once: no wait
	link, err := d.order.watch(ctx, known)
	if errors.Is(err, errFailed) {
		return errExpired
	}
	if err == nil {
		d.link = link
	}
	return err
}

// orderAgain orders the report anew. What the body's Meta says must stay true.
func (d *download) orderAgain(ctx context.Context) error {
	got, link, err := d.order.report(ctx)
	if err != nil {
		return err
	}
	if got.doubtful && !d.receipt.doubtful {
		return &pipeline.Error{
			Op: "download the report", Kind: pipeline.Unavailable,
			Err: errors.New("the report had to be ordered again, and the vendor answered from its cache shortly after local midnight"),
		}
	}
	d.receipt, d.link = got, link
	return nil
}

// get downloads a link, without the key: it is signed. Only when the
// configured host itself refuses is the key shown, and to nobody else.
func (o *order) get(ctx context.Context, link string) (io.ReadCloser, error) {
	const op = "download the report"
	u, err := url.Parse(link)
	if err == nil {
		err = httpclient.CheckURL(u)
	}
	if err != nil { // of url.Parse it would quote the link
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: errors.New("the download_url is not an https address")}
	}
	r := httpclient.Request{Op: op, Method: http.MethodGet, URL: u, Since: o.since, WaitThrottled: true, Notify: o.tell}
	answer, err := o.src.client.Do(ctx, r)
	if code, fromBase := statusOf(err); fromBase && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
		r.Credential = o.src.credential()
		answer, err = o.src.client.Do(ctx, r)
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
