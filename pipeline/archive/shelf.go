package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// Shelf is what an archive has of one stream: descriptions in memory, and documents that can be opened.
type Shelf struct {
	windows map[pipeline.Span]map[answerKey]*answer
	damaged []string // names of what cannot be understood
}

// answerKey tells the answers for one window from each other: a run asks for it in one extraction.
type answerKey struct {
	sync  pipeline.SyncID
	order uint64
}

// answer is what one run has read for a window, as far as it is kept: of a request that was made again the last reading.
type answer struct {
	answerKey
	parts [][]*kept // by request and document
}

// kept is a document with the reading that brought it.
type kept struct {
	*Document
	reading *Reading
}

// Load reads what a has of a stream.
func Load(ctx context.Context, a Archive, k pipeline.StreamKey) (*Shelf, error) {
	s := &Shelf{windows: make(map[pipeline.Span]map[answerKey]*answer)}
	for d, err := range a.Documents(ctx, k) {
		switch {
		case err != nil:
			return nil, err
		case d.Err != nil:
			s.damaged = append(s.damaged, d.Name)
			continue
		}
		for i := range d.Readings {
			if r := &d.Readings[i]; r.Verdict == Sound && r.Document.Of > 0 && r.Request.Of > 0 {
				s.put(&kept{&d, r})
			}
		}
	}
	return s, nil
}

// put enters a document that is a part of a whole answer.
func (s *Shelf) put(d *kept) {
	key := answerKey{d.reading.Sync, d.reading.Order}
	for _, w := range d.Meta.Request.Windows {
		of := s.windows[w.Span]
		if of == nil {
			of = make(map[answerKey]*answer)
			s.windows[w.Span] = of
		}
		if of[key] == nil {
			of[key] = &answer{answerKey: key}
		}
		of[key].put(d)
	}
}

func (a *answer) put(d *kept) {
	number, of := d.reading.Request.Number, d.reading.Request.Of
	if number < 1 || number > of || d.reading.Document.Number < 1 || d.reading.Document.Number > d.reading.Document.Of {
		return
	}
	for len(a.parts) < of {
		a.parts = append(a.parts, nil)
	}
	documents := a.parts[number-1]
	if len(documents) != d.reading.Document.Of {
		if len(documents) > 0 && latest(documents) > d.reading.ReadAt { // of an earlier attempt
			return
		}
		documents = make([]*kept, d.reading.Document.Of)
	}
	at := d.reading.Document.Number - 1
	if old := documents[at]; old == nil || old.reading.ReadAt <= d.reading.ReadAt {
		documents[at] = d
	}
	a.parts[number-1] = documents
}

func latest(documents []*kept) (at pipeline.Instant) {
	at = pipeline.NoInstant
	for _, d := range documents {
		if d != nil {
			at = max(at, d.reading.ReadAt)
		}
	}
	return at
}

// whole reports whether every document of every request is there.
func (a *answer) whole() bool {
	return len(a.parts) > 0 && !slices.ContainsFunc(a.parts, func(documents []*kept) bool {
		return len(documents) == 0 || slices.Contains(documents, nil)
	})
}

// read is when the earliest document was read, by the real and the planning clock.
func (a *answer) read() (readAt, extractedAt pipeline.Instant) {
	first := true
	for _, documents := range a.parts {
		for _, d := range documents {
			if first || d.reading.ReadAt < readAt {
				readAt = d.reading.ReadAt
			}
			if first || d.reading.ExtractedAt < extractedAt {
				extractedAt = d.reading.ExtractedAt
			}
			first = false
		}
	}
	return readAt, extractedAt
}

// entry is the ledger's entry of a window with this reading in the place of its own.
func (a *answer) entry(of pipeline.Entry) pipeline.Entry {
	of.Order = a.order
	of.ReadAt, of.ExtractedAt = a.read()
	return of
}

// choose finds the answer that a committed window is made of: the newest that is whole and not older than what is
// committed. After a reading that failed it is what is committed: the newer one may be what failed.
func (s *Shelf) choose(e *pipeline.Entry, failed bool) *answer {
	var best *answer
	for _, a := range s.windows[e.Window.Span] {
		if !a.whole() {
			continue
		}
		of := a.entry(*e)
		if e.NewerThan(&of) || failed && of.NewerThan(e) {
			continue
		}
		if best != nil {
			other := best.entry(*e)
			if other.NewerThan(&of) || !of.NewerThan(&other) && best.sync == e.SyncID {
				continue
			}
		}
		best = a
	}
	return best
}

// Find says how committed windows of a stream are read again. failed tells of which the last reading failed. stream makes
// the stream of a reading's settings, as today's mapping has it.
func (s *Shelf) Find(committed []pipeline.Entry, failed func(pipeline.Window) bool, stream func(shape map[string]string) pipeline.Stream) (all []pipeline.Rereading, unkept []pipeline.Unkept) {
	byAnswer := make(map[string]int)
	for _, e := range committed {
		a := s.choose(&e, failed(e.Window))
		if a == nil {
			unkept = append(unkept, pipeline.Unkept{Window: e.Window, Err: s.why(&e)})
			continue
		}
		key := a.key()
		i, ok := byAnswer[key]
		if !ok {
			again := a.rereading(stream)
			if err := a.unfit(again.Stream.Policy); err != nil {
				unkept = append(unkept, pipeline.Unkept{Window: e.Window, Err: err})
				continue
			}
			i = len(all)
			byAnswer[key] = i
			all = append(all, again)
		}
		of := a.entry(e)
		if of.NewerThan(&e) { // it settles by itself
			settle := all[i].Stream.Settle
			of.Settled = min(of.ReadAt, of.ExtractedAt) >= of.Window.End.Add(settle)
		}
		all[i].Commits = append(all[i].Commits, of)
	}
	return all, unkept
}

// unfit says why documents of the answer cannot be read under a policy: what has been replaced in them stays so.
func (a *answer) unfit(p pipeline.Policy) error {
	for _, documents := range a.parts {
		for _, d := range documents {
			if !p.Fits(d.Meta.Redacted) {
				return &pipeline.Error{Op: "replay", Kind: pipeline.Refused, Cause: pipeline.NotKept,
					Err: errors.New("the archive has its answer with personal data hashed or dropped under other settings, or another key, than today's")}
			}
		}
	}
	return nil
}

// key names the documents of the answer.
func (a *answer) key() string {
	var b strings.Builder
	for _, documents := range a.parts {
		for _, d := range documents {
			fmt.Fprintf(&b, "%s %d\n", d.Name, d.reading.ReadAt)
		}
	}
	return b.String()
}

// why says what of a window's answer is missing.
func (s *Shelf) why(e *pipeline.Entry) error {
	err := &pipeline.Error{Op: "replay", Kind: pipeline.Refused, Cause: pipeline.NotKept, Err: fmt.Errorf("the archive has no answer for the reading of %s", e.ReadAt)}
	for _, a := range s.windows[e.Window.Span] {
		if of := a.entryOfSome(*e); !e.NewerThan(&of) {
			err.Err = errors.New("the archive does not have all documents of the answer")
		}
	}
	if len(s.damaged) > 0 {
		err.Cause = pipeline.KeptDamaged
		err.Err = fmt.Errorf("%w; it has what cannot be understood: %s", err.Err, s.damaged[0])
	}
	return err
}

// entryOfSome is entry of an answer that may not be whole.
func (a *answer) entryOfSome(of pipeline.Entry) pipeline.Entry {
	of.Order, of.ReadAt = a.order, pipeline.NoInstant
	for _, documents := range a.parts {
		of.ReadAt = max(of.ReadAt, latest(documents))
	}
	return of
}

// rereading is the extraction of a whole answer.
func (a *answer) rereading(stream func(map[string]string) pipeline.Stream) pipeline.Rereading {
	r := pipeline.Rereading{Stream: stream(a.parts[0][0].reading.Shape)}
	for i, documents := range a.parts {
		q := documents[0].Meta.Request
		q.Part = pipeline.Part{Number: i + 1, Of: len(a.parts)}
		r.Extraction.Requests = append(r.Extraction.Requests, q)
		for _, w := range q.Windows {
			if !slices.Contains(r.Extraction.Windows, w) {
				r.Extraction.Windows = append(r.Extraction.Windows, w)
			}
		}
	}
	slices.SortFunc(r.Extraction.Windows, func(x, y pipeline.Window) int { return cmp.Compare(x.Start, y.Start) })
	r.Fetch = a.fetch
	return r
}

// fetch hands over what was kept of a request.
func (a *answer) fetch(ctx context.Context, q pipeline.Request, yield func(pipeline.Body) error) error {
	for _, d := range a.parts[q.Part.Number-1] {
		if err := ctx.Err(); err != nil {
			return &pipeline.Error{Op: "replay", Stream: q.Stream, Window: q.Span, Kind: pipeline.Stopped, Err: err}
		}
		m := d.Meta
		m.ReadAt, m.ExtractedAt = d.reading.ReadAt, d.reading.ExtractedAt
		if m.Days != nil {
			days := *m.Days
			days.EdgesMustHaveRows = d.reading.EdgesMustHaveRows
			m.Days = &days
		}
		open := func(ctx context.Context) (io.ReadCloser, error) {
			body, err := d.Open(ctx)
			if err != nil {
				return nil, err
			}
			return proven{body}, nil
		}
		if err := yield(pipeline.Body{Meta: m, Open: open}); err != nil {
			return err
		}
	}
	return nil
}

// proven is a document of the archive: it is whole, for only what was read to its end is kept, and its checksum is checked.
type proven struct{ io.ReadCloser }

func (proven) Proven() bool { return true }
