package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Begin implements [archive.Archive].
func (s *Store) Begin(q archive.Question) archive.Answer { return &answer{store: s, question: q} }

// answer is an answer that is being kept.
type answer struct {
	store    *Store
	question archive.Question
	drafts   []*draft
}

// draft is a document that is read and not visible.
type draft struct {
	folder string
	meta   meta
	suffix string
	body   volume.Draft
	named  bool // its body has been published
}

// copyBytes is how much of a body is compressed at once.
const copyBytes = 128 << 10

// Put implements [archive.Answer].
func (a *answer) Put(ctx context.Context, m pipeline.Meta, body io.Reader) (err error) {
	defer func() { err = a.locate("archive a body", err) }()
	d := &draft{meta: metaOf(a.question.Marked(m)), suffix: a.question.Suffix}
	if d.folder, err = a.store.folder(m.Request); err != nil {
		return err
	}
	if d.body, err = a.store.volume.Draft(ctx); err != nil {
		return err
	}
	verdict := archive.Sound
	var refused *archive.RefusedError
	take := func() error { return a.store.compress(d, a.blanked(body)) }
	if !a.question.Policy.Keeps() {
		take = func() error { return a.store.redact(ctx, d, &a.question, m, a.blanked(body)) }
	}
	if err := take(); errors.As(err, &refused) {
		verdict = refused.Verdict
	} else if err != nil {
		return errors.Join(err, d.body.Discard())
	}
	if err := d.body.Sync(); err != nil {
		return errors.Join(err, d.body.Discard())
	}
	if err := a.withoutLinks(ctx, d, verdict); err != nil {
		return errors.Join(err, d.body.Discard())
	}
	if d.suffix == sizeSuffix {
		verdict = archive.Broken // nothing can be read of it
	}
	d.meta.Readings = []archive.Reading{{
		ReadAt: m.ReadAt, ExtractedAt: m.ExtractedAt, Verdict: verdict, Sync: a.question.Sync, Order: a.question.Order,
		Request: a.question.Request.Part, EdgesMustHaveRows: m.Days != nil && m.Days.EdgesMustHaveRows, Shape: a.question.Shape,
	}}
	a.drafts = append(a.drafts, d)
	pipeline.Point(ctx, "archive.drafted")
	if refused != nil {
		return refused
	}
	return nil
}

// blanked is the body without the secrets of the account.
func (a *answer) blanked(body io.Reader) io.Reader {
	if b, ok := a.question.Mask.(pipeline.Blanker); ok {
		return b.Blank(body)
	}
	return body
}

// withoutLinks takes the signatures of signed URLs out of a refused document: no row will be made of it.
func (a *answer) withoutLinks(ctx context.Context, d *draft, verdict archive.Verdict) error {
	mask, ok := a.question.Mask.(pipeline.Blanker)
	if !ok || verdict == archive.Sound {
		return nil
	}
	whole, err := d.body.Open()
	if err != nil {
		return err
	}
	defer whole.Close() //nolint:errcheck // it was read
	plain, err := newDecoder(whole)
	if err != nil {
		return err
	}
	defer plain.Close()
	clean := &draft{folder: d.folder, meta: d.meta, suffix: d.suffix}
	if clean.body, err = a.store.volume.Draft(ctx); err != nil {
		return err
	}
	if err := errors.Join(a.store.compress(clean, mask.BlankLinks(plain)), clean.body.Sync()); err != nil {
		return errors.Join(err, clean.body.Discard())
	}
	old := d.body
	*d = *clean
	return old.Discard()
}

// compress writes the body into the draft. What was read until a refusal is the whole.
func (s *Store) compress(d *draft, body io.Reader) error {
	return s.write(d, func(w io.Writer) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{body}, make([]byte, copyBytes))
		return err
	})
}

// write has fill write the draft, and notes its size and checksum. What was written until a refusal is the whole.
func (s *Store) write(d *draft, fill func(io.Writer) error) error {
	coder, err := s.encoder()
	if err != nil {
		return err
	}
	defer s.give(coder)
	coder.Reset(d.body)
	sum := sha256.New()
	size := &counted{to: io.MultiWriter(sum, coder)}
	filling := fill(size)
	d.meta.Bytes, d.meta.SHA256 = size.n, hex.EncodeToString(sum.Sum(nil))
	var refused *archive.RefusedError
	if filling != nil && !errors.As(filling, &refused) {
		return filling
	}
	return errors.Join(filling, coder.Close())
}

// counted counts the bytes that are written.
type counted struct {
	to io.Writer
	n  int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}

// End implements [archive.Answer].
func (a *answer) End(ctx context.Context, whole bool, refused archive.Verdict) (err error) {
	if len(a.drafts) == 0 {
		return nil
	}
	defer func() { err = a.locate("archive an answer", errors.Join(err, a.Abort())) }()
	for i, d := range a.drafts {
		if whole {
			d.meta.Readings[0].Document = pipeline.Part{Number: i + 1, Of: len(a.drafts)}
		}
		if refused != "" {
			d.meta.Readings[0].Verdict = refused
			if err := a.withoutLinks(ctx, d, refused); err != nil {
				return err
			}
		}
	}
	const tries = 5 // without a lock another process may be faster
	for range tries {
		err = a.store.volume.Update(ctx, func(ctx context.Context, alone bool) error { return a.publish(ctx, alone) })
		if !errors.Is(err, volume.ErrChanged) {
			return err
		}
	}
	return err
}

// publish gives the documents their names.
func (a *answer) publish(ctx context.Context, alone bool) error {
	for len(a.drafts) > 0 {
		d := a.drafts[0]
		names, err := a.store.volume.List(ctx, d.folder)
		if err != nil {
			return err
		}
		used, err := a.store.keep(ctx, d, names)
		if err != nil {
			return err
		}
		if alone {
			if err := a.store.dropBodiless(ctx, names, used); err != nil {
				return err
			}
		}
		a.drafts = a.drafts[1:]
		pipeline.Point(ctx, "archive.kept")
		if err := d.body.Discard(); err != nil {
			return err
		}
	}
	return nil
}

// keep makes one document visible, under the stem that it returns. names are those in its folder.
func (s *Store) keep(ctx context.Context, d *draft, names []string) (at string, err error) {
	tail := d.meta.tail()
	at = d.folder + "/" + stem(d.meta.Readings[0].ReadAt, tail)
	for _, name := range names { // the same bytes for the same request
		if of, isMeta, ok := split(name); ok && isMeta && strings.HasSuffix(of, tail) {
			at = of
			break
		}
	}
	if err := s.keepMeta(ctx, d.meta, at+metaSuffix, slices.Contains(names, at+metaSuffix)); err != nil {
		return at, err
	}
	pipeline.Point(ctx, "archive.described")
	body, over := at+"."+d.suffix+zstdSuffix, volume.Absent
	if slices.Contains(names, body) {
		if d.named {
			return at, nil
		}
		versions, err := s.volume.Versions(ctx, body)
		if err != nil {
			return at, err
		}
		over = versions[0]
		if same, err := s.holds(ctx, body, d.body); same || err != nil {
			return at, err
		}
	}
	if err := d.body.Publish(ctx, body, over); err != nil {
		return at, err
	}
	d.named = true
	return at, nil
}

// holds reports whether an object has the bytes of a draft. Equal documents are compressed equally: other bytes are damage, or
// another version's, and then as good as the draft's. What cannot be read has other bytes.
func (s *Store) holds(ctx context.Context, name string, d volume.Draft) (bool, error) {
	stored, err := s.volume.Open(ctx, name)
	if err != nil {
		return false, ctx.Err()
	}
	defer stored.Close() //nolint:errcheck // it was read
	ours, err := d.Open()
	if err != nil {
		return false, err
	}
	defer ours.Close() //nolint:errcheck // it was read
	return volume.Same(ctx, stored, ours)
}

// keepMeta writes a meta, or adds the readings to the one that is there.
func (s *Store) keepMeta(ctx context.Context, m meta, name string, there bool) error {
	over := volume.Absent
	if there {
		versions, err := s.volume.Versions(ctx, name)
		if err != nil {
			return err
		}
		over = versions[0]
		text, err := s.volume.Read(ctx, name)
		if err != nil {
			return err
		}
		if old, err := parse(text); err == nil && old.SHA256 == m.SHA256 { // what is damaged is written anew
			for _, r := range m.Readings {
				if !slices.ContainsFunc(old.Readings, r.Same) {
					old.Readings = append(old.Readings, r)
				}
			}
			m = old
		}
	}
	text, err := m.text()
	if err != nil {
		return err
	}
	return volume.Replace(ctx, s.volume, name, text, over)
}

// dropBodiless removes metas whose bodies a killed run did not publish. names are those of a folder before this answer,
// which has used one of them, maybe.
func (s *Store) dropBodiless(ctx context.Context, names []string, used string) error {
	gone := slices.DeleteFunc(bodiless(names), func(o volume.Object) bool { return o.Name == used+metaSuffix })
	if len(gone) == 0 {
		return nil
	}
	return s.volume.Remove(ctx, gone...)
}

// bodiless are the metas among sorted names whose bodies are not.
func bodiless(names []string) (metas []volume.Object) {
	for _, name := range names {
		if of, isMeta, ok := split(name); ok && isMeta && !hasBody(names, of) {
			metas = append(metas, volume.Object{Name: name, Version: volume.Any})
		}
	}
	return metas
}

// Abort implements [archive.Answer].
func (a *answer) Abort() error {
	var errs []error
	for _, d := range a.drafts {
		errs = append(errs, d.body.Discard())
	}
	a.drafts = nil
	return classify("drop a body", errors.Join(errs...))
}

func (a *answer) locate(op string, err error) error {
	var refused *archive.RefusedError
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return pipeline.Locate(classify(op, err), a.question.Request.Stream, a.question.Request.Span)
}
