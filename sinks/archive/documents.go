package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Documents implements [archive.Archive].
func (s *Store) Documents(ctx context.Context, k pipeline.StreamKey) iter.Seq2[archive.Document, error] {
	return func(yield func(archive.Document, error) bool) {
		const op = "read the archive"
		if err := layout.SafeKey(k); err != nil {
			yield(archive.Document{}, pipeline.Locate(classify(op, err), k.Stream, pipeline.Span{}))
			return
		}
		names, err := s.volume.List(ctx, s.streamDir(k))
		if err != nil {
			yield(archive.Document{}, pipeline.Locate(classify(op, err), k.Stream, pipeline.Span{}))
			return
		}
		shared := make(map[string]string) // texts that many metas repeat
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				yield(archive.Document{}, pipeline.Locate(classify(op, err), k.Stream, pipeline.Span{}))
				return
			}
			of, isMeta, ok := split(name)
			if !ok || isMeta && hasBody(names, of) {
				continue
			}
			d := s.document(ctx, name, of, shared)
			if isMeta && d.Err == nil {
				d.Err = errors.New("its body is missing")
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

// hasBody reports whether the body of a meta is among the names, which are sorted.
func hasBody(names []string, stem string) bool {
	for i, _ := slices.BinarySearch(names, stem+"."); i < len(names) && strings.HasPrefix(names[i], stem+"."); i++ {
		if _, isMeta, ok := split(names[i]); ok && !isMeta {
			return true
		}
	}
	return false
}

func lost(name string, err error) archive.Document { return archive.Document{Name: name, Err: err} }

// document is the description of a body.
func (s *Store) document(ctx context.Context, name, stem string, shared map[string]string) archive.Document {
	text, err := s.volume.Read(ctx, stem+metaSuffix)
	if err != nil {
		return lost(name, fmt.Errorf("its description: %w", err))
	}
	m, err := parse(text)
	if err != nil {
		return lost(stem+metaSuffix, err)
	}
	for i := range m.Windows {
		m.Windows[i].Zone = share(shared, m.Windows[i].Zone)
	}
	for i := range m.Readings {
		m.Readings[i].Sync = pipeline.SyncID(share(shared, string(m.Readings[i].Sync)))
	}
	return archive.Document{Name: name, Meta: m.body(), Readings: m.Readings, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return s.open(ctx, name, m.Bytes, m.SHA256)
	}}
}

func share(texts map[string]string, text string) string {
	if known, ok := texts[text]; ok {
		return known
	}
	texts[text] = text
	return text
}

// open opens a body, which must have so many bytes and that checksum.
func (s *Store) open(ctx context.Context, name string, size int64, sum string) (io.ReadCloser, error) {
	content, err := s.volume.Open(ctx, name)
	if err != nil {
		return nil, damaged(name, err)
	}
	coder, err := newDecoder(io.NewSectionReader(content, 0, content.Size()))
	if err != nil {
		return nil, errors.Join(damaged(name, err), content.Close())
	}
	return &body{name: name, content: content, coder: coder, sum: sha256.New(), left: size, want: sum}, nil
}

func newDecoder(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8*windowBytes))
}

// body is a document that is read, and held against its description.
type body struct {
	name    string
	content volume.Content
	coder   *zstd.Decoder
	sum     hash.Hash
	left    int64
	want    string
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.coder.Read(p)
	b.sum.Write(p[:n])
	b.left -= int64(n)
	switch {
	case err == io.EOF && (b.left != 0 || hex.EncodeToString(b.sum.Sum(nil)) != b.want), err == nil && b.left < 0:
		return 0, damaged(b.name, errors.New("its bytes are not those that were put there"))
	case err != nil && err != io.EOF:
		return n, damaged(b.name, err)
	}
	return n, err
}

func (b *body) Close() error {
	b.coder.Close()
	return b.content.Close()
}

// damaged is the error of a body that cannot be read.
func damaged(name string, err error) error {
	return &pipeline.Error{Op: "read the archive", Kind: pipeline.Refused, Cause: pipeline.KeptDamaged, Err: fmt.Errorf("%s: %w", name, err)}
}

// Tidy removes what killed runs have left of a stream: descriptions without a document. Where others may write meanwhile, those
// of documents that were read since an instant stay: somebody may be about to give them theirs. What lies so far beyond now that a
// wrong clock has dated it does not.
func (s *Store) Tidy(ctx context.Context, k pipeline.StreamKey, since, now pipeline.Instant) error {
	const op = "tidy the archive"
	left := func(ctx context.Context) ([]volume.Object, error) {
		names, err := s.volume.List(ctx, s.streamDir(k))
		return bodiless(names), err
	}
	if gone, err := left(ctx); err != nil || len(gone) == 0 { // nearly always
		return classify(op, err)
	}
	return classify(op, s.volume.Update(ctx, func(ctx context.Context, alone bool) error {
		gone, err := left(ctx)
		if err != nil {
			return err
		}
		if !alone {
			from, until := since.Time().UTC().Format(timeLayout), now.Add(pipeline.ClockTolerance).Time().UTC().Format(timeLayout)
			gone = slices.DeleteFunc(gone, func(o volume.Object) bool {
				return path.Base(o.Name) >= from && path.Base(o.Name) < until
			})
		}
		return s.volume.Remove(ctx, gone...)
	}))
}

// Remove removes documents, bodies first.
func (s *Store) Remove(ctx context.Context, documents []archive.Document) error {
	if len(documents) == 0 {
		return nil
	}
	return classify("remove what is spent from the archive", s.volume.Update(ctx, func(ctx context.Context, _ bool) error {
		for _, d := range documents {
			of, _, ok := split(d.Name)
			if !ok {
				continue
			}
			if err := s.volume.Remove(ctx, volume.Object{Name: d.Name, Version: volume.Any}, volume.Object{Name: of + metaSuffix, Version: volume.Any}); err != nil {
				return err
			}
			pipeline.Point(ctx, "archive.removed")
		}
		return nil
	}))
}
