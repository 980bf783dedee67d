package memory

import (
	"context"
	"iter"

	"github.com/windrow-data/windrow/pipeline"
)

// Verify implements [pipeline.Verifier].
func (s *Store) Verify(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, _ *pipeline.Ledger, how pipeline.Verification) iter.Seq2[pipeline.Difference, error] {
	return func(yield func(pipeline.Difference, error) bool) {
		l, err := s.Ledger(ctx, k)
		if err != nil {
			yield(pipeline.Difference{}, err)
			return
		}
		for e := range l.Windows(pipeline.NoInstant) {
			if l.Dirty(e.Window.Span) || how.Wants != nil && !how.Wants(e.Window) {
				continue
			}
			d, differs, err := s.compare(ctx, k, t, e, how)
			if err != nil {
				yield(d, err)
				return
			}
			if differs && !yield(d, nil) {
				return
			}
		}
	}
}

// compare looks at one window.
func (s *Store) compare(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, e pipeline.Entry, how pipeline.Verification) (d pipeline.Difference, differs bool, err error) {
	if err := ctx.Err(); err != nil {
		return d, false, classify("verify", err)
	}
	c := s.window(k, e.Window)
	differ := func(kind pipeline.DifferenceKind, expected, found string) (pipeline.Difference, bool, error) {
		return pipeline.Difference{Kind: kind, Window: e.Window, Entry: e, Object: "memory", Expected: expected, Found: found}, true, nil
	}
	rows := func(n int64) string { return pipeline.Counted(n, "row") }
	rejects := func(n int64) string { return pipeline.Counted(n, "reject") }
	switch {
	case c.window != e.Window && (e.Counts.Rows > 0 || e.Counts.Rejected > 0):
		return differ(pipeline.DiffMissing, rows(e.Counts.Rows), "nothing")
	case c.rows != e.Counts.Rows:
		return differ(pipeline.DiffRows, rows(e.Counts.Rows), rows(c.rows))
	case int64(len(c.rejects)) != e.Counts.Rejected:
		return differ(pipeline.DiffRejects, rejects(e.Counts.Rejected), rejects(int64(len(c.rejects))))
	case how.Depth < pipeline.ByRows:
		return d, false, nil
	}
	fingerprint, err := c.fingerprint(t, how)
	if err != nil {
		return differ(pipeline.DiffFingerprint, e.Fingerprint.String(), err.Error())
	}
	if !fingerprint.Is(e.Fingerprint) {
		return differ(pipeline.DiffFingerprint, e.Fingerprint.String(), fingerprint.String())
	}
	hash := pipeline.Hash{}
	for _, r := range c.rejects {
		hash = hash.Add(r.Hash())
	}
	if hash != e.RejectsHash {
		return differ(pipeline.DiffRejects, e.RejectsHash.String(), hash.String())
	}
	return d, false, nil
}

// fingerprint hashes the rows as they are kept.
func (c contents) fingerprint(t *pipeline.Table, how pipeline.Verification) (sum pipeline.StoredFingerprint, err error) {
	for _, rec := range c.records {
		b := pipeline.NewBatch(t)
		err := b.Load(rec)
		if err == nil {
			var f pipeline.StoredFingerprint
			f, err = b.HashStored(int(rec.NumRows()), how.Snapshot)
			sum = sum.Add(f)
		}
		b.Release()
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
