package parquet

import (
	"encoding/json"
	"path"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// The records of runs of earlier versions are lines of JSON: an object for each run beneath runsDir, packs beneath
// earlierPacks. They are read, and nothing more.
const (
	earlierRun    = ".run"
	earliestRun   = ".json"
	earlierPacked = ".jsonl" + object.ZstdSuffix
)

var (
	earlierRunForm  = object.Form{Word: "windrow-run", Version: 2, Named: 2, Dir: runsDir}
	earlierPackForm = object.Form{Word: "windrow-runs", Version: 2, Named: 2, Dir: earlierPacks}
)

// isEarlier reports whether an object beneath runsDir or earlierPacks is of an earlier version.
func isEarlier(name string) bool {
	switch path.Dir(name) {
	case runsDir:
		return path.Ext(name) == earlierRun || path.Ext(name) == earliestRun
	case earlierPacks:
		return path.Ext(name) == object.ZstdSuffix
	}
	return false
}

// earlierRuns understands an object of an earlier version.
func earlierRuns(name string, body []byte) (runs []pipeline.Summary, err error) {
	add := func(_ int, line []byte) error {
		var r pipeline.RunRecord
		err := json.Unmarshal(line, &r)
		runs = append(runs, r.Run())
		return err
	}
	switch {
	case path.Dir(name) == earlierPacks:
		err = object.Read(earlierPackForm, name, body, add)
	case path.Ext(name) == earlierRun:
		err = object.Read(earlierRunForm, name, body, add)
	default:
		err = add(0, body)
	}
	return runs, err
}
