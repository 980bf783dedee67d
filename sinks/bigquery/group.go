package bigquery

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// groupBytes closes a group: what one load job takes at most.
	groupBytes = 1 << 30
	// groupDates closes a group: how many days its windows may touch. One job modifies at most 4,000 partitions:
	// "Quotas and limits", partitioned tables.
	groupDates = 3000
	// groupWindows of the usual length fit into one script; see statement.MaxBytes.
	groupWindows = 500
	groupAfter   = 5 * time.Minute
)

// Grouping is how windows are best handed to Commit. A commit costs one load job and one transaction a table, however
// many windows the commit has, and a transaction is billed at least 10 MB for every table that a statement names:
//
//   - 500 windows: their ledger entries fill about half of the longest script that BigQuery takes. A year of six daily
//     streams is five groups.
//   - 1 GiB staged: more would lie on the local disk, and would have to be loaded again after a failure, for nothing
//     saved.
//   - 5 minutes: what a killed run loses at most. BigQuery's jobs take some seconds each, and a day of 5-minute groups
//     stays far from 100,000 load jobs.
func Grouping() pipeline.Grouping {
	return pipeline.Grouping{Windows: groupWindows, Bytes: groupBytes, After: groupAfter}
}

// groupsOf cuts windows that were judged into groups of one transaction each. Windows that replace data are cut by
// table and by size, in order. Windows that replace nothing ride along with the last group, or are the only group. The
// windows of one group, cut again, are one group.
func groupsOf(all []*pending) (groups [][]*pending) {
	var quiet []*pending
	for _, t := range pipeline.Tables() {
		size, dates := int64(0), int64(0)
		var group []*pending
		for _, p := range all {
			if p.replaces && p.Table == t {
				more := p.dates()
				if size, dates = size+p.Stage.size(), dates+more; len(group) > 0 && (size > groupBytes || dates > groupDates) {
					groups, group = append(groups, group), nil
					size, dates = p.Stage.size(), more
				}
				group = append(group, p)
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	for _, p := range all {
		if !p.replaces {
			quiet = append(quiet, p)
		}
	}
	switch n := len(groups); {
	case len(quiet) == 0:
	case n == 0:
		groups = [][]*pending{quiet}
	default:
		groups[n-1] = append(groups[n-1], quiet...)
	}
	return groups
}

// dates is the number of days that the commit of the window touches at most.
func (p *pending) dates() (n int64) {
	const day = 24 * time.Hour
	for _, w := range p.replaced() {
		n += int64(w.End.Time().Sub(w.Start.Time())/day) + 2
	}
	return n
}
