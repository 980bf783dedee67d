package statement

import "strings"

// Dataset names a dataset. Its methods build the statements for the tables in it.
type Dataset struct{ Project, Name string }

// Names of the tables beside the data.
const (
	LedgerTable    = "_windrow_ledger"
	RejectsTable   = "_windrow_rejects"
	JournalTable   = "_windrow_journal"
	RunsTable      = "_windrow_runs"
	HistoryTable   = "_windrow_history"
	WatermarksView = "_windrow_watermarks"
	StagePrefix    = "_windrow_stage_"
	// FenceTable has one row, which every commit replaces, so that BigQuery cancels one of two commits at once. The name
	// is older than the word fence and must stay: only commits that replace a row of the same table conflict, so a run of
	// an earlier version and a run of this one must fence at the same table.
	FenceTable = "_windrow_turn"
)

// Check is a statement that any project can run.
const Check = "SELECT 1"

// StreamColumns name a stream. Every table that has rows of streams is clustered by them.
var StreamColumns = []string{"source", "account", "stream"}

// table is a table's full name.
func (d Dataset) table(name string) string {
	return "`" + d.Project + "`.`" + d.Name + "`.`" + name + "`"
}

func column(name string) string { return "`" + name + "`" }

// columns lists columns, each with the prefix.
func columns(list []string, prefix string) string {
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = prefix + column(name)
	}
	return strings.Join(quoted, ", ")
}
