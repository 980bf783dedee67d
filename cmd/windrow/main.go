// Command windrow syncs contact-centre statistics from uContact, Chat-Tonic
// and Dialpad into Parquet files or BigQuery, window by window.
//
// This package wires: it reads the environment (setup.go), builds the sources and
// opens the sink (engine.go), runs package pipeline/engine and shows what
// happened (internal/show). It knows no vendor's protocol, moves no row and
// decides nothing about windows. What a person types stands here alone:
// commands, flags, and the variables that belong to no vendor and no sink.
//
// Start at root.go, which lists the verbs; each verb is the file of its name.
// vendors.go lists the connectors and sinks.go the sinks; vendor.go and sink.go
// say what one is to the command line.
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
	surviveClosedOutput()
	memoryLimit := os.Getenv("GOMEMLIMIT") // one of a file comes too late
	files := readEnvFiles(os.Args[1:])
	a := newApp(os.Stdout, os.Stderr, time.Now)
	a.files, a.softMemory = files, memoryLimit == ""
	if a.logs.Style == config.CloudLog { // what libraries log must be such lines too
		slog.SetDefault(a.newLog(a.stderr, slog.LevelInfo))
	}
	ctx, release := a.untilSignal(context.Background())
	code := a.run(ctx, os.Args[1:])
	release()
	os.Exit(code)
}
