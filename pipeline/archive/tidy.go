package archive

import (
	"context"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// Tidier is an [Archive] of which a run removes, at its end, what nobody needs. Both methods may be repeated after a crash.
type Tidier interface {
	Archive
	// Tidy removes what killed runs have left of a stream. Where others may write meanwhile, what was read since an instant
	// stays: somebody may be about to finish it. What lies so far beyond now that a wrong clock has dated it does not.
	Tidy(ctx context.Context, k pipeline.StreamKey, since, now pipeline.Instant) error
	// Remove removes documents.
	Remove(ctx context.Context, documents []Document) error
}

// Tidying says what may go.
type Tidying struct {
	Since, Now pipeline.Instant // as [Tidier].Tidy has them
	Before     pipeline.Instant // documents go that were extracted before, as [Spent] says; NoInstant: none goes
	// Removed is told of how many documents of a stream have gone; nil: nobody is.
	Removed func(k pipeline.StreamKey, n int)
}

// Tidy tidies the streams of a run, and all that the store knows, configured or not.
func Tidy(ctx context.Context, a Tidier, store pipeline.Store, run pipeline.Summary, of Tidying) error {
	keys, err := store.Streams(ctx)
	if err != nil {
		return err
	}
	for _, s := range run.Streams {
		if k := (pipeline.StreamKey{Account: s.Account, Stream: s.Stream}); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if err := a.Tidy(ctx, k, of.Since, of.Now); err != nil {
			return err
		}
		if of.Before == pipeline.NoInstant {
			continue
		}
		n, err := removeSpent(ctx, a, store, k, of.Before)
		if err != nil {
			return err
		}
		if n > 0 && of.Removed != nil {
			of.Removed(k, n)
		}
	}
	return nil
}

// removeSpent removes the documents that are [Spent], and returns how many. Where the ledger cannot be read, nobody knows what
// that is: whatever reads the stream itself says so.
func removeSpent(ctx context.Context, a Tidier, store pipeline.Store, k pipeline.StreamKey, before pipeline.Instant) (n int, err error) {
	l, err := store.Ledger(ctx, k)
	switch {
	case pipeline.KindOf(err) == pipeline.Damaged:
		return 0, nil
	case err != nil:
		return 0, err
	}
	var all []Document
	for d, err := range a.Documents(ctx, k) {
		if err != nil {
			return 0, err
		}
		all = append(all, d)
	}
	spent := Spent(all, before, l.Live)
	return len(spent), a.Remove(ctx, spent)
}

// Spent are the documents that no window needs any more and whose newest reading was extracted before the instant.
// committed finds the committed reading of a window.
func Spent(documents []Document, before pipeline.Instant, committed func(pipeline.Span) (pipeline.Entry, bool)) (spent []Document) {
	for _, d := range documents {
		if len(d.Readings) == 0 || slices.ContainsFunc(d.Readings, func(r Reading) bool { return r.ExtractedAt >= before }) {
			continue
		}
		needed := slices.ContainsFunc(d.Meta.Request.Windows, func(w pipeline.Window) bool {
			e, ok := committed(w.Span)
			return ok && slices.ContainsFunc(d.Readings, func(r Reading) bool {
				of := pipeline.Entry{Order: r.Order, ReadAt: r.ReadAt}
				return r.Verdict == Sound && !e.NewerThan(&of)
			})
		})
		if !needed {
			spent = append(spent, d)
		}
	}
	return spent
}
