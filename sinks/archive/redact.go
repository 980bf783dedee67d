package archive

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
)

// sizeSuffix is that of what stands for a document that cannot be split into fields.
const sizeSuffix = "size"

// unsplit stands for a document that cannot be split into fields: none of its bytes may stay.
type unsplit struct {
	Bytes int64  `json:"bytes"`
	HMAC  string `json:"hmac,omitempty"` // SHA-256, under the key of the policy
}

// redact writes a copy of the body without its personal data into the draft. What was read until a refusal is the whole.
// Nothing of the body itself is ever written.
func (s *Store) redact(ctx context.Context, d *draft, q *archive.Question, m pipeline.Meta, body io.Reader) error {
	in := &incoming{body: body}
	if q.Policy.Whole != nil {
		in.sum = q.Policy.Whole()
	}
	copied := errNoCopy
	if redactor := q.Redactor(); redactor != nil {
		copied = s.write(d, func(w io.Writer) error { return redactor.Redact(&m, in, w) })
	}
	if copied != nil && !errors.Is(copied, errNoCopy) && pipeline.KindOf(copied) != pipeline.Malformed && in.failed == nil {
		return copied // of the draft
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	if copied != nil {
		if err := s.keepSize(ctx, d, in); err != nil {
			return err
		}
	}
	if in.refused != nil {
		return in.refused
	}
	return nil
}

var errNoCopy = errors.New("the format makes no copies")

// keepSize has the draft hold the size of a body in the place of what was written of it.
func (s *Store) keepSize(ctx context.Context, d *draft, in *incoming) (err error) {
	old := d.body
	if d.body, err = s.volume.Draft(ctx); err != nil {
		d.body = old
		return err
	}
	of := unsplit{Bytes: in.n}
	if in.sum != nil {
		of.HMAC = hex.EncodeToString(in.sum.Sum(nil))
	}
	d.suffix = sizeSuffix
	return errors.Join(old.Discard(), s.write(d, func(w io.Writer) error { return json.NewEncoder(w).Encode(of) }))
}

// incoming is a body on its way in: it counts, and ends where the body was refused.
type incoming struct {
	body    io.Reader
	sum     hash.Hash // nil without a key
	n       int64
	refused *archive.RefusedError
	failed  error
}

func (i *incoming) Read(p []byte) (int, error) {
	if i.failed != nil {
		return 0, i.failed
	}
	n, err := i.body.Read(p)
	i.n += int64(n)
	if i.sum != nil {
		i.sum.Write(p[:n])
	}
	switch {
	case errors.As(err, &i.refused):
		err = io.EOF
	case err != nil && err != io.EOF:
		i.failed = err
	}
	return n, err
}
