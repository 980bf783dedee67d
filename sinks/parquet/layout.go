package parquet

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// Names beneath the root. Everything that is not a row of a table lies in the private folder, where no reader of
// <table>/**/*.parquet comes.
const (
	private        = "_windrow"
	ledgerDir      = private + "/ledger"
	rejectsDir     = private + "/rejects"
	runsDir        = private + "/runs"
	packsDir       = private + "/runs-packed"
	journalDir     = private + "/journal"
	suffix         = ".parquet"
	dateLayout     = "2006-01-02"
	boundLayout    = "20060102T150405Z" // of Window.FileName
	lineSuffix     = ".jsonl"
	runSuffix      = ".run"
	earlierRun     = ".json" // of earlier versions
	packSuffix     = ".jsonl" + object.ZstdSuffix
	noteSuffix     = ".note"
	snapshotSuffix = ".snapshot.jsonl" + object.ZstdSuffix
)

// The forms of what the sink keeps of itself.
var (
	ledgerForm  = object.Form{Word: "windrow-ledger", Version: 3, Named: 3, Dir: ledgerDir, Bare: true}
	journalForm = object.Form{Word: "windrow-journal", Version: 2, Named: 2, Dir: journalDir}
	runForm     = object.Form{Word: "windrow-run", Version: 2, Named: 2, Dir: runsDir}
	packForm    = object.Form{Word: "windrow-runs", Version: 2, Named: 2, Dir: packsDir}
)

// streamDir is the folder of a stream beneath parent, in Hive's key=value form. It and the names beneath are put together as
// they are: to clean them would be an eighth of what a verification of very many windows costs.
func streamDir(parent string, k pipeline.StreamKey) string {
	return parent + "/source=" + string(k.Stream.Source()) + "/account=" + string(k.Account) + "/stream=" + string(k.Stream)
}

// streamOf reads the key from a name that has a streamDir in it.
func streamOf(name string) (k pipeline.StreamKey, ok bool) {
	for part := range strings.SplitSeq(name, "/") {
		switch column, value, _ := strings.Cut(part, "="); column {
		case "account":
			k.Account = pipeline.AccountID(value)
		case "stream":
			k.Stream = pipeline.StreamID(value)
		}
	}
	return k, k.Account != "" && k.Stream != ""
}

// windowFile is the name of a window's file: date=2025-09-08/20250908T050000Z_20250909T050000Z.parquet beneath the
// folder of its stream. The date is the local date of the window's start, in the zone that the window was cut in.
func windowFile(parent string, k pipeline.StreamKey, w pipeline.Window) (string, error) {
	loc, err := w.Location()
	if err != nil {
		return "", err
	}
	return streamDir(parent, k) + "/" + dateFolder(w.Start.In(loc)) + "/" + w.FileName() + suffix, nil
}

// dateFolder is the folder of a local date.
func dateFolder(local time.Time) string { return "date=" + local.Format(dateLayout) }

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

// safe refuses names that would lead out of their folder.
func safe(what, name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\=\x00") {
		return fmt.Errorf("%s %q cannot be part of a file's name", what, name)
	}
	return nil
}

func safeKey(k pipeline.StreamKey) error {
	if err := safe("stream", string(k.Stream)); err != nil {
		return err
	}
	return safe("account", string(k.Account))
}
