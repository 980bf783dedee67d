package main

import (
	"fmt"
	"slices"
	"strings"
)

// job is one thing that both sides do.
type job struct {
	want
	Windows int `json:"windows"` // 1 or 30
	// Archived: Windrow keeps the document as it came, too.
	Archived bool `json:"archived,omitempty"`
}

// daily tells a pull of one day, of about 1 MB.
func (j job) daily() bool { return j.MB <= 1 }

func (j job) String() string {
	windows := "1 window"
	if j.Windows > 1 {
		windows = fmt.Sprintf("%d windows", j.Windows)
	}
	order := ""
	if j.Shuffled {
		order = ", shuffled"
	}
	what := map[string]string{"calls": "CSV", "stats": "JSON"}[j.Format]
	archived := ""
	if j.Archived {
		archived = ", archived"
	}
	return fmt.Sprintf("%s %d MB, %s%s%s", what, j.MB, windows, order, archived)
}

// withArchive adds to each job of one window the same with an archive.
func withArchive(list []job) (all []job) {
	for _, j := range list {
		all = append(all, j)
		if j.Windows == 1 {
			j.Archived = true
			all = append(all, j)
		}
	}
	return all
}

// Kinds of jobs that -jobs chooses from.
const (
	kindCalls   = "csv"
	kindThirty  = "csv30"
	kindShuffle = "shuffled"
	kindStats   = "json"
	kindStats30 = "json30"
	kindDaily   = "daily"
)

var allKinds = []string{kindCalls, kindThirty, kindShuffle, kindStats, kindStats30, kindDaily}

// jobs lists what was chosen, the sizes in MB (10^6 bytes).
func jobs(kinds []string, callsMB, statsMB []int) ([]job, error) {
	var all []job
	largest := slices.Max(callsMB)
	for _, kind := range kinds {
		switch kind {
		case kindCalls:
			for _, mb := range callsMB {
				all = append(all, job{want: want{"calls", mb, false}, Windows: 1})
			}
		case kindThirty:
			all = append(all, job{want: want{"calls", largest, false}, Windows: 30})
		case kindShuffle:
			all = append(all, job{want: want{"calls", largest, true}, Windows: 30})
		case kindStats:
			for _, mb := range statsMB {
				all = append(all, job{want: want{"stats", mb, false}, Windows: 1})
			}
		case kindStats30:
			all = append(all, job{want: want{"stats", slices.Max(statsMB), false}, Windows: 30})
		case kindDaily:
			all = append(all, job{want: want{"calls", 1, false}, Windows: 1}, job{want: want{"stats", 1, false}, Windows: 1})
		default:
			return nil, fmt.Errorf("-jobs names %q; there are %s", kind, strings.Join(allKinds, ", "))
		}
	}
	return all, nil
}
