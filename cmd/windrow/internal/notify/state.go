package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// State is how a stream stands.
type State string

const (
	Good   State = "good"
	Failed State = "failed" // its last reading failed
	Late   State = "late"   // its lag is above the limit
)

// recovered is the change back to [Good].
const recovered = "recovered"

// Standing is where a stream stands at the end of a run.
type Standing struct {
	Key        pipeline.StreamKey
	State      State
	Watermark  *pipeline.Instant
	LagSeconds *int64
	Open       int    // windows that are due
	Failed     int    // of those, the ones whose last reading failed
	ErrorKind  string // where the run's reading failed
	Hint       string
}

// Message is what was or is to be told.
type Message struct {
	ID   string `json:"id"`
	Body string `json:"body"`
}

// Memory is what is known of earlier runs. The zero value knows nothing.
type Memory struct {
	Streams map[string]Known `json:"streams"`
	// Pending are the messages that nobody has taken yet, the oldest first.
	Pending []Message `json:"pending,omitempty"`
}

// Known is the state of a stream, and since when that has been known.
type Known struct {
	State State     `json:"state"`
	Since time.Time `json:"since"`
}

// mostPending is how many messages wait; the oldest go.
const mostPending = 200

// change is the body of a message.
type change struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp"`
	Data      data   `json:"data"`
}

type data struct {
	Stream     pipeline.StreamID  `json:"stream"`
	Account    pipeline.AccountID `json:"account"`
	State      string             `json:"state"`
	Previous   State              `json:"previous"`
	SyncID     pipeline.SyncID    `json:"sync_id"`
	Watermark  *pipeline.Instant  `json:"watermark"`
	LagSeconds *int64             `json:"lag_seconds"`
	Open       int                `json:"open"`
	Failed     int                `json:"failed"`
	ErrorKind  string             `json:"error_kind,omitempty"`
	Hint       string             `json:"hint,omitempty"`
}

// Next is the memory after a run, with a message for each stream whose state has changed. A stream of which nothing was known
// was good. Messages of two runs that have seen the same change have the same id.
func (m Memory) Next(of []Standing, run pipeline.SyncID, now time.Time) (next Memory, changed bool, err error) {
	next = Memory{Streams: make(map[string]Known, len(m.Streams)), Pending: append([]Message{}, m.Pending...)}
	for name, known := range m.Streams {
		next.Streams[name] = known
	}
	for _, s := range of {
		name := s.Key.String()
		was, known := m.Streams[name]
		if !known {
			was.State = Good
		}
		if known && was.State == s.State {
			continue
		}
		next.Streams[name] = Known{s.State, now.UTC().Truncate(time.Microsecond)}
		changed = true
		if was.State == s.State { // the first good run
			continue
		}
		message, err := tell(s, was, run, now)
		if err != nil {
			return m, false, err
		}
		next.Pending = append(next.Pending, message)
	}
	next.Pending = next.Pending[max(0, len(next.Pending)-mostPending):]
	return next, changed, nil
}

// tell is the message of a change.
func tell(s Standing, was Known, run pipeline.SyncID, now time.Time) (Message, error) {
	state := string(s.State)
	if s.State == Good {
		state = recovered
	}
	body, err := json.Marshal(change{
		Type: "stream." + state, Timestamp: now.UTC().Format(time.RFC3339),
		Data: data{s.Key.Stream, s.Key.Account, state, was.State, run, s.Watermark, s.LagSeconds, s.Open, s.Failed, s.ErrorKind, s.Hint},
	})
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", s.Key, was.State, was.Since.UTC().Format(time.RFC3339Nano), s.State))
	return Message{"msg_" + hex.EncodeToString(sum[:16]), string(body)}, err
}

// Of is a memory as it was kept.
func Of(text string) (m Memory, err error) {
	err = json.Unmarshal([]byte(text), &m)
	return m, err
}

// Text is the memory as it is kept.
func (m Memory) Text() (string, error) {
	b, err := json.Marshal(m)
	return string(b), err
}
