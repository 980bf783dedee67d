package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/cmd/windrow/internal/telemetry"
)

// How long the end of a sync waits for OpenTelemetry's collector, and how long once a signal has come: a commit may
// have used five of the eight seconds.
const (
	flushWithin        = 3 * time.Second
	flushWithinStopped = time.Second
)

// measured does the work of a sync while OpenTelemetry's collector is told of it, where there is one. Nothing of that
// changes how the sync ends.
func (a *app) measured(ctx context.Context, s *setup, do func() error) error {
	var c config.Telemetry
	if err := config.Fill("", &c); err != nil {
		return err
	}
	o := telemetry.Options{
		Config: c, Version: versionOf().release, Instance: strconv.Itoa(s.task.Index), Now: a.now, Began: a.began,
		Warn: func(text string) { s.log.Warn(text) },
	}
	if execution := a.logs.CloudRun.Execution; execution != "" {
		o.Trace = trace.TraceID(show.TraceID(execution))
	}
	var err error
	if s.telemetry, err = telemetry.Start(ctx, o); err != nil {
		s.log.Warn("no spans and metrics are sent: " + err.Error())
	}
	err = do()
	s.ending.Exit = exitCode(err)
	patience := flushWithin
	if ctx.Err() != nil {
		patience = flushWithinStopped
	}
	s.telemetry.End(s.ending, patience)
	return err
}

// measureStreams notes for the metrics where the streams stand.
func (s *setup) measureStreams(around *view) {
	if s.telemetry == nil {
		return
	}
	s.ending.Streams = around.States
	if err := errors.Join(around.err, around.Damaged); err != nil {
		s.log.Warn("the metrics do not tell where the streams stand: " + err.Error())
	}
}
