package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

// finalRecord is what the last line of a sync tells. A signal that ends the process
// at once writes that line from another goroutine.
type finalRecord struct {
	once sync.Once

	mu      sync.Mutex
	sync    bool // the verb is sync
	summary pipeline.Summary
	stand   *show.Standing // nil where nobody has looked
}

// begin says that a run has begun, or has failed to, which all lines of the log name from now on. Of a sync the last one
// is the record.
func (r *finalRecord) begin(id pipeline.SyncID, sync bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sync, r.summary.SyncID = sync, id
}

// id is that of the run; empty where the verb is none.
func (r *finalRecord) id() pipeline.SyncID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary.SyncID
}

// keep holds what the sync did until the last line is written.
func (r *finalRecord) keep(s pipeline.Summary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary = s
}

// stood holds where the streams stand after the sync.
func (r *finalRecord) stood(stand show.Standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stand = &stand
}

// known is what the last line tells of a sync, and whether there is one.
func (r *finalRecord) known() (show.Ending, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return show.Ending{Summary: r.summary, Stand: r.stand}, r.sync
}

// end writes the last line of a sync, once: one record that an alert can
// match, at any log level. What is logged later is dropped. Text for people
// ends with the summary's table instead.
func (a *app) end(code int) {
	a.final.once.Do(func() {
		ending, of := a.final.known()
		if !of || a.logs.Style == config.TextLog {
			return
		}
		var line bytes.Buffer
		level := slog.LevelError
		switch code {
		case pipeline.ExitDone:
			level = slog.LevelInfo
		case pipeline.ExitStopped:
			level = slog.LevelWarn
		}
		a.newLog(&line, slog.LevelDebug).LogAttrs(context.Background(), level, show.Finished, show.Record(ending, code, a.now().Sub(a.began))...)
		if last, ok := a.stderr.(*lastLine); ok {
			last.write(line.Bytes())
			return
		}
		_, _ = a.stderr.Write(line.Bytes()) // there is nobody left to tell
	})
}

// lastLine is stderr until the last line has been written.
type lastLine struct {
	mu   sync.Mutex
	out  io.Writer
	over bool
}

func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return len(p), nil
	}
	return l.out.Write(p)
}

// write writes the last line.
func (l *lastLine) write(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.out.Write(p) // there is nobody left to tell
	l.over = true
}
