package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

// ledger is the log of one stream as it was read once.
type ledger struct {
	folded *pipeline.Ledger
	// seen is the seq of its last commit. Entries without data have a seq too,
	// but theirs is not guarded: a commit may land beneath one that was read.
	seen int64
	// batch has the entries of the commit that was asked for, by window.
	batch map[pipeline.Span]pipeline.Entry
}

var (
	accountPattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	streamPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)
)

// checkKey refuses what would be no stream.
func checkKey(k pipeline.StreamKey) error {
	if !accountPattern.MatchString(string(k.Account)) {
		return fmt.Errorf("%q is no account", k.Account)
	}
	if !streamPattern.MatchString(string(k.Stream)) {
		return fmt.Errorf("%q is no stream", k.Stream)
	}
	return nil
}

// Ledger implements [pipeline.Sink]: one query.
func (s *Store) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	const op = "read the ledger"
	if err := checkKey(k); err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	l, err := s.readLedger(ctx, k, "")
	if err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	copied := pipeline.NewLedger()
	for _, e := range l.folded.Entries() {
		copied.Apply(e)
	}
	return copied, nil
}

// readLedger reads the log and keeps it for the next commit, which may judge by
// an old one: the guard in the transaction tells. batch is the commit whose
// entries are wanted, if any.
func (s *Store) readLedger(ctx context.Context, k pipeline.StreamKey, batch string) (*ledger, error) {
	l := &ledger{folded: pipeline.NewLedger(), batch: make(map[pipeline.Span]pipeline.Entry)}
	there, err := s.locate(ctx)
	if err != nil {
		return nil, err
	}
	if there {
		err := s.read(ctx, s.names.readLedger(k), func(row []bigquery.Value) error { return l.add(row, batch) })
		if err != nil && !absent(err) {
			return nil, err
		}
	}
	s.mu.Lock()
	s.ledgers[k] = l
	s.mu.Unlock()
	return l, nil
}

func (l *ledger) add(row []bigquery.Value, wanted string) error {
	if len(row) != 3 {
		return errors.New("a row of the ledger has not three columns")
	}
	seq, _ := row[0].(int64)
	batch, _ := row[1].(string)
	text, _ := row[2].(string)
	var e pipeline.Entry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return fmt.Errorf("entry %d of the ledger cannot be read: %w", seq, err)
	}
	l.folded.Apply(e)
	if e.Kind == pipeline.EntryCommit {
		l.seen = max(l.seen, seq)
		if batch != "" && batch == wanted {
			l.batch[e.Window.Span] = e
		}
	}
	return nil
}

// known is the ledger as it was read last, or now.
func (s *Store) known(ctx context.Context, k pipeline.StreamKey) (*ledger, error) {
	s.mu.Lock()
	l := s.ledgers[k]
	s.mu.Unlock()
	if l != nil {
		return l, nil
	}
	return s.readLedger(ctx, k, "")
}

// outdate drops what was read of a ledger.
func (s *Store) outdate(k pipeline.StreamKey) {
	s.mu.Lock()
	delete(s.ledgers, k)
	s.mu.Unlock()
}

// Record implements [pipeline.Sink]: one INSERT, which counts towards no
// limit of load jobs and conflicts with nothing.
func (s *Store) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	const op = "write the ledger"
	if len(entries) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := checkKey(k)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.ensure(ctx)
	}
	lines := make([]line, len(entries))
	for i, e := range entries {
		if err == nil {
			lines[i], err = newLine(k, e)
		}
	}
	if err == nil {
		err = s.write(ctx, "windrow_record_"+nonce(), s.names.addEntries(lines))
	}
	s.outdate(k)
	if err != nil {
		return windowFault(op, k, pipeline.Span{}, s.missing(err))
	}
	pipeline.Point(ctx, "bigquery.recorded")
	return nil
}

func newLine(k pipeline.StreamKey, e pipeline.Entry) (line, error) {
	text, err := json.Marshal(e)
	return line{key: k, entry: e, text: string(text)}, err
}

// missing notes that a table was not where it should be.
func (s *Store) missing(err error) error {
	if absent(err) {
		s.forget()
	}
	return err
}

// Streams implements [pipeline.Store].
func (s *Store) Streams(ctx context.Context) ([]pipeline.StreamKey, error) {
	const op = "list the ledgers"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.locate(ctx)
	if err != nil || !there {
		return nil, fault(op, err)
	}
	var keys []pipeline.StreamKey
	err = s.read(ctx, s.names.streams(), func(row []bigquery.Value) error {
		if len(row) != 2 {
			return errors.New("a stream has not two columns")
		}
		account, _ := row[0].(string)
		stream, _ := row[1].(string)
		keys = append(keys, pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)})
		return nil
	})
	if err != nil && !absent(err) {
		return nil, fault(op, err)
	}
	return keys, nil
}
