package archive

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/sinks/internal/volume"
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

// Redact puts copies without personal data, as the policy of their stream wants them, in the place of documents that are
// kept in the clear, or redacted under another policy of which it can make them, their descriptions too, and returns how many. stream makes the stream of a reading's settings. A copy is
// durable before its document goes: whatever stops this, the next call goes on. What cannot be read is told in an error, after
// the others were replaced.
func (s *Store) Redact(ctx context.Context, documents []archive.Document, stream func(shape map[string]string) pipeline.Stream) (n int, err error) {
	const op = "redact the archive"
	var failed []error
	for _, d := range documents {
		replaced, err := s.redactKept(ctx, d, stream)
		switch {
		case ctx.Err() != nil:
			return n, classify(op, ctx.Err())
		case err != nil:
			failed = append(failed, classify(op, err))
		case replaced:
			n++
		}
	}
	return n, errors.Join(failed...)
}

// redactKept redacts one document, where that is to be done.
func (s *Store) redactKept(ctx context.Context, d archive.Document, stream func(map[string]string) pipeline.Stream) (replaced bool, err error) {
	of, bodiless, _ := split(d.Name)
	switch {
	case bodiless: // a killed run's
		return false, s.volume.Update(ctx, func(ctx context.Context, alone bool) error {
			if !alone {
				return nil // another process may be about to give it its body
			}
			return s.volume.Remove(ctx, volume.Object{Name: d.Name, Version: volume.Any})
		})
	case d.Err != nil:
		return false, damaged(d.Name, d.Err)
	case strings.HasSuffix(d.Name, "."+sizeSuffix+zstdSuffix):
		return false, nil // it has no value
	}
	policy := stream(d.Readings[len(d.Readings)-1].Shape).Policy
	if d.Meta.Redacted == policy.Digest || !policy.Fits(d.Meta.Redacted) {
		return false, nil
	}
	copied, err := s.copyOf(ctx, d, strings.TrimSuffix(strings.TrimPrefix(d.Name, of+"."), zstdSuffix), stream)
	if err != nil {
		return false, err
	}
	err = s.volume.Update(ctx, func(ctx context.Context, _ bool) error {
		names, err := s.volume.List(ctx, copied.folder)
		if err != nil {
			return err
		}
		if _, err := s.keep(ctx, copied, names); err != nil {
			return err
		}
		pipeline.Point(ctx, "archive.redacted")
		return s.volume.Remove(ctx, volume.Object{Name: d.Name, Version: volume.Any}, volume.Object{Name: of + metaSuffix, Version: volume.Any})
	})
	err = errors.Join(err, copied.body.Discard())
	return err == nil, err
}

// copyOf is the draft of the copy of a document.
func (s *Store) copyOf(ctx context.Context, d archive.Document, suffix string, stream func(map[string]string) pipeline.Stream) (*draft, error) {
	readings := slices.Clone(d.Readings)
	last := readings[len(readings)-1]
	under := stream(last.Shape)
	q := archive.Question{Request: d.Meta.Request, Policy: under.Policy, Format: under.Format}
	m := d.Meta
	m.ReadAt, m.ExtractedAt = last.ReadAt, last.ExtractedAt
	out := &draft{folder: path.Dir(d.Name), meta: metaOf(q.Marked(m)), suffix: suffix}
	var err error
	if out.body, err = s.volume.Draft(ctx); err != nil {
		return nil, err
	}
	body, err := d.Open(ctx)
	if err == nil {
		err = errors.Join(s.redact(ctx, out, &q, m, body), body.Close())
	}
	if err == nil {
		err = out.body.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, out.body.Discard())
	}
	for i := range readings {
		readings[i].Shape = stream(readings[i].Shape).Shape
		if out.suffix == sizeSuffix {
			readings[i].Verdict = archive.Broken
		}
	}
	out.meta.Readings = readings
	return out, nil
}
