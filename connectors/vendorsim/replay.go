package vendorsim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Replay answers with documents that the caller has, in the place of a vendor.
// It is a transport, so that no server is needed, and it answers at any host.
//
// A report of Dialpad is ordered, looked at and downloaded as usual; it is ready
// at the first look. Any other request is answered with its document.
type Replay struct {
	// Document is the document that a request asks for. It may be called
	// concurrently. Orders of reports and looks at them ask for none.
	Document func(r *http.Request) []byte
	// Cached says that Dialpad had the report before it was ordered.
	Cached bool
}

// RoundTrip implements [http.RoundTripper].
func (p Replay) RoundTrip(r *http.Request) (*http.Response, error) {
	const order, nothing, look, file = "/api/v2/stats", "/api/v2/stats/0", "/api/v2/stats/1", "/report.csv"
	status := http.StatusOK
	var body []byte
	switch {
	case r.Method == http.MethodPost && r.URL.Path == order:
		body = fmt.Appendf(nil, `{"request_id":"1","already_started":%t}`, p.Cached)
	case r.Method == http.MethodGet && r.URL.Path == nothing:
		status, body = http.StatusNotFound, []byte(`{"error":{"code":404,"message":"not found"}}`)
	case r.Method == http.MethodGet && r.URL.Path == look:
		body = fmt.Appendf(nil, `{"status":"complete","file_type":"csv","download_url":"%s://%s%s"}`, r.URL.Scheme, r.URL.Host, file)
	default:
		body = p.Document(r)
	}
	if r.Body != nil {
		_ = r.Body.Close() // a RoundTripper must; nobody reads it
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, nil
}
