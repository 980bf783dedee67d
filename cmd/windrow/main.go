// Command windrow syncs contact-centre statistics from uContact, Chat-Tonic
// and Dialpad into Parquet files or BigQuery, window by window.
//
// This package wires: it reads the environment, builds sources and the sink,
// runs the engine of package pipeline and shows what happened. It knows no
// vendor's protocol and moves no row. Start at root.go, which lists the verbs;
// each verb is one file. vendors.go lists the connectors, sinks.go the sinks.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // zones work where the system has none

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/sinks/bufferpool"
)

func main() {
	bufferpool.ReplaceDefault() // before any goroutine
	a := newApp(os.Stdout, os.Stderr, time.Now)
	a.softMemory = os.Getenv("GOMEMLIMIT") == ""
	if a.logs.Style == config.CloudLog { // what libraries log must be such lines too
		slog.SetDefault(a.newLog(a.stderr, slog.LevelInfo))
	}
	ctx, release := a.untilSignal(context.Background())
	code := a.run(ctx, os.Args[1:])
	release()
	os.Exit(code)
}
