// Package staging is what the stages and the commits of all sinks have in common, so that every sink collects, refuses,
// yields, skips and replaces in the same cases.
//
//   - [Stage] is the life of one window's stage: it collects, is sealed, ends.
//   - [Admit] turns the engine's sealed windows into [Pending] ones and refuses what the engine must not ask for.
//   - [Judge] decides, from what the ledger knows, what the commit of one window has to do.
//   - [AppendReject] is the columns of a rejected row that all sinks store alike.
//   - [Spool] keeps rejects out of memory, and makes row groups of bounded size of them.
//
// The package knows no storage: where rows and rejects wait, and in which order a commit makes them visible, is the
// business of each sink.
//
// Start at staging.go for stages, then commit.go and verdict.go.
package staging

import (
	"errors"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// Classify turns what a sink's storage said into an error of a kind. It leaves alone a nil error and an error that has
// a kind already.
type Classify func(op string, err error) error

// state is where a stage is in its life. It never goes back.
type state uint8

const (
	open    state = iota // collects rows and rejects
	sealed               // waits to be committed
	aborted              // committed, or dropped
)

var errEnded = errors.New("the stage has ended")

// Stage is the part of a window's stage that all sinks share: whose window it is, and its life. A sink embeds it in a
// type of its own, whose fields are guarded by the same lock: Collect, Seal, Abort and Locked run functions under it.
type Stage struct {
	Key    pipeline.StreamKey
	Table  *pipeline.Table
	Window pipeline.Window

	owner    any
	classify Classify

	mu    sync.Mutex
	state state
}

// New returns the open stage of a window. owner is the store that will commit it, and any value that == compares.
func New(owner any, classify Classify, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (*Stage, error) {
	s := &Stage{Key: k, Table: t, Window: w, owner: owner, classify: classify}
	if w.Empty() {
		return nil, s.Err("stage", errors.New("the window is empty"))
	}
	if _, err := w.Location(); err != nil {
		return nil, s.Err("stage", err)
	}
	return s, nil
}

// Err classifies an error and names the stream and the window in it. A nil error stays nil.
func (s *Stage) Err(op string, err error) error {
	return pipeline.Locate(s.classify(op, err), s.Key.Stream, s.Window.Span)
}

// Collect runs add under the lock. Once the stage has ended it fails instead, and does not run add.
func (s *Stage) Collect(op string, add func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return s.Err(op, errEnded)
	}
	return s.Err(op, add())
}

// Close runs end under the lock and seals the stage. If end fails, the stage stays open, to be aborted.
func (s *Stage) Close(end func() error) error {
	return s.Collect("seal", func() error {
		err := end()
		if err == nil {
			s.state = sealed
		}
		return err
	})
}

// Drop ends the stage and runs discard under the lock. It may be called again, and so may discard.
func (s *Stage) Drop(discard func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = aborted
	return s.Err("drop the stage", discard())
}

// Locked runs read under the lock, whatever the stage's state.
func (s *Stage) Locked(read func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	read()
}

// shared makes the sink's own types of stage known to Admit.
func (s *Stage) shared() *Stage { return s }

// ready reports why the stage, which counted so much, cannot be committed under the entry, if so.
func (s *Stage) ready(e pipeline.Entry, counts func() (rows, rejected int64)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != sealed {
		return errors.New("the stage is not sealed")
	}
	rows, rejected := counts()
	return fits(e, s.Window, rows, rejected)
}
