package parquet

import (
	"path"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// Names beneath the root. Everything that is not a row of a table lies in the private folder, where no reader of
// <table>/**/*.parquet comes.
const (
	private        = "_windrow"
	ledgerDir      = private + "/ledger"
	rejectsDir     = private + "/rejects"
	historyDir     = private + "/history"
	runsDir        = private + "/runs"
	recentDir      = runsDir + "/recent"
	packedDir      = runsDir + "/packed"
	earlierPacks   = private + "/runs-packed" // of earlier versions
	journalDir     = private + "/journal"
	pushDir        = private + "/push" // a send ledger, which is package pushledger's
	suffix         = ".parquet"
	boundLayout    = "20060102T150405Z" // of Window.FileName
	lineSuffix     = ".jsonl"
	noteSuffix     = ".note"
	snapshotSuffix = ".snapshot.jsonl" + object.ZstdSuffix
)

// The forms of what the sink keeps of itself.
var (
	ledgerForm  = object.Form{Word: "windrow-ledger", Version: 3, Named: 3, Dir: ledgerDir, Bare: true}
	journalForm = object.Form{Word: "windrow-journal", Version: 2, Named: 2, Dir: journalDir}
	runsForm    = object.Form{Word: "windrow-run-rows", Version: 1}
)

// windowFile is the name of a window's file: date=2025-09-08/20250908T050000Z_20250909T050000Z.parquet beneath the
// folder of its stream. The date is the local date of the window's start, in the zone that the window was cut in.
func windowFile(parent string, k pipeline.StreamKey, w pipeline.Window) (string, error) {
	loc, err := w.Location()
	if err != nil {
		return "", err
	}
	return layout.StreamDir(parent, k) + "/" + layout.DateFolder(w.Start.In(loc)) + "/" + w.FileName() + suffix, nil
}

// spanOf reads the span from a window's file name.
func spanOf(name string) (pipeline.Span, bool) {
	base, ok := strings.CutSuffix(path.Base(name), suffix)
	if !ok {
		return pipeline.Span{}, false
	}
	start, end, _ := strings.Cut(base, "_")
	s, err := time.Parse(boundLayout, start)
	if err != nil {
		return pipeline.Span{}, false
	}
	e, err := time.Parse(boundLayout, end)
	return pipeline.Span{Start: pipeline.InstantOf(s), End: pipeline.InstantOf(e)}, err == nil
}
