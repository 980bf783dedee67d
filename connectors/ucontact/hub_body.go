package ucontact

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"

	"github.com/windrow-data/windrow/pipeline/push"
)

// hubBody is the document of a batch. It is written piece by piece from the contacts, so that no second copy of a batch
// lies in memory.
type hubBody struct {
	begin string
	batch push.Batch
	mark  []byte // the member windrow_push that each lead's data gets; nil for lists
}

func newHubBody(k push.Key, b push.Batch) hubBody {
	if k.Delivery == push.Lists {
		return hubBody{begin: `{"filename":` + string(jsonOf(b.Name)) + `,"list":[`, batch: b}
	}
	mark := jsonOf(struct {
		Key   string `json:"key"`
		Batch int    `json:"batch"`
	}{k.Name, b.Number})
	return hubBody{begin: `{"leads":[`, batch: b, mark: append([]byte(`"windrow_push":`), mark...)}
}

// jsonOf writes a value that JSON can hold, and leaves letters such as & as they are.
func jsonOf(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and numbers alone
	return bytes.TrimSpace(b.Bytes())
}

// pieces hands over the document in its order, until one is refused.
func (d hubBody) pieces(yield func([]byte) bool) {
	if !yield([]byte(d.begin)) {
		return
	}
	for i, c := range d.batch.Contacts {
		if i > 0 && !yield([]byte{','}) {
			return
		}
		if !d.contact(c, yield) {
			return
		}
	}
	yield([]byte("]}"))
}

// contact hands over one contact: its members, and data as the last of them.
func (d hubBody) contact(c push.Payload, yield func([]byte) bool) bool {
	data := membersOf(c.Data)
	if c.Data == nil && d.mark == nil {
		return yield(c.JSON)
	}
	members := membersOf(c.JSON)
	return yield([]byte{'{'}) && yield(members) && (len(members) == 0 || yield([]byte{','})) && yield([]byte(`"data":{`)) && yield(data) &&
		(len(data) == 0 || d.mark == nil || yield([]byte{','})) && yield(d.mark) && yield([]byte("}}"))
}

// membersOf is what stands between the braces of an object.
func membersOf(object []byte) []byte {
	object = bytes.TrimSpace(object)
	if len(object) < 2 {
		return nil
	}
	return bytes.TrimSpace(object[1 : len(object)-1])
}

func (d hubBody) size() (n int64) {
	for p := range d.pieces {
		n += int64(len(p))
	}
	return n
}

// reader reads the document once; closing it lets go of the contacts.
func (d hubBody) reader() io.ReadCloser {
	next, stop := iter.Pull(d.pieces)
	return &pieceReader{next: next, stop: stop}
}

// pieceReader reads one piece after the other.
type pieceReader struct {
	next func() ([]byte, bool)
	stop func()
	rest []byte // of the piece
}

func (r *pieceReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		var more bool
		if r.rest, more = r.next(); !more {
			return 0, io.EOF
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *pieceReader) Close() error {
	r.stop()
	return nil
}
