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

// Ledger implements [pipeline.Sink]: one query, for the whole log at first,
// for what is new of it later. The ledger is the caller's own.
func (s *Store) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	const op = "read the ledger"
	if err := checkKey(k); err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := s.readLogs(ctx, []pipeline.StreamKey{k}, ""); err != nil {
		return nil, windowFault(op, k, pipeline.Span{}, err)
	}
	l := s.log(k)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.folded.Clone(), nil
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
	s.recorded(k)
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
	err = s.read(ctx, s.names.streams(), func() { keys = nil }, func(row []bigquery.Value) error {
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
