// Package sinktest proves that a [pipeline.Store] keeps the promises of a
// sink. A driver's test supplies a [Driver] and calls [Run].
//
// The promises are a list of named proofs (see proofs.go). Some proofs need an ability that not every sink has. Such a
// proof is skipped if the driver declares that the sink goes without the ability, and says why. It fails if the ability
// is neither there nor declared. A run in which nothing was proven fails.
//
// The package knows no sink. Start at [Driver], and at its example, which is a whole sink.
package sinktest

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// Driver is what a sink's test supplies.
type Driver struct {
	// New makes an empty place to store in. It is dropped when the test ends.
	New func(t testing.TB) Place
	// Without names the abilities that the sink goes without, and why.
	Without map[Ability]string
	// LedgerWrites is the number of ledger writes after which the sink
	// reorganises what it has written; 0 when it never does.
	LedgerWrites int
	// Records is the number of recorded runs, and of notes older than a week, after which the sink packs or removes them; 0
	// when it never does.
	Records int
}

// Place is somewhere that keeps what stores put there.
type Place interface {
	// Open returns a store over the place, as another process has it. The place closes the store when the test ends.
	Open(t testing.TB) pipeline.Store
	// Rows reads a stream's rows as the sink's users do: by window, then in
	// stored order.
	Rows(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) []Row
	// Rejects reads a stream's rejected rows by window, then in stored order.
	Rejects(t testing.TB, k pipeline.StreamKey) []Rejected
}

// Row is what the suite looks at in a row of either table. The columns are
// resource_id, the table's time column, answered (activity) or talk_seconds
// (events), sync_id, window_start and window_end.
type Row struct {
	ID     string
	At     pipeline.Instant
	Value  int64
	Sync   pipeline.SyncID
	Window pipeline.Span
}

// Rejected is what the suite looks at in a rejected row.
type Rejected struct {
	Row    int64
	Reason string
	Raw    string
}

// Ability is something that a sink may go without.
type Ability string

const (
	// Stamps: the place implements [Stamper].
	Stamps Ability = "stamps"
	// Faults: the place implements [Faulty].
	Faults Ability = "faults"
	// Leaves: a proof that Stage and Abort leave nothing behind; the place implements [Litter].
	Leaves Ability = "leaves"
	// Loses: the place implements [Loser].
	Loses Ability = "losing data"
	// ReadsRuns: the store implements [pipeline.RunReader].
	ReadsRuns Ability = "reading runs"
	// ReadsRejects: the store implements [pipeline.RejectReader].
	ReadsRejects Ability = "reading rejects"
	// ReadsHistory: the store implements [pipeline.HistoryReader].
	ReadsHistory Ability = "reading history"
	// Verifies: the store implements [pipeline.Verifier].
	Verifies Ability = "verifying"
	// ReadsHoldings: the store implements [pipeline.HoldingsReader].
	ReadsHoldings Ability = "reading holdings"
)

// Stamper tells whether data were written.
type Stamper interface {
	// Stamp is equal before and after if, and only if, no data of the stream were written in between. Writing equal data
	// again counts as writing.
	Stamp(t testing.TB, table *pipeline.Table, k pipeline.StreamKey) string
}

// Faulty opens stores whose storage fails.
type Faulty interface {
	// OpenFaulty returns a store whose call number n (from 0) to its storage fails, once. With after, the call has its
	// effect before it fails. hit reports whether the call has come.
	OpenFaulty(t testing.TB, n int, after bool) (store pipeline.Store, hit func() bool)
}

// Loser takes stored data away behind the sink's back, as somebody does who deletes a file or the rows of a day.
type Loser interface {
	// Lose removes the rows of one window from the table, and nothing else. The ledger stays as it is.
	Lose(t testing.TB, table *pipeline.Table, k pipeline.StreamKey, w pipeline.Window)
}

// Litter tells what lies about.
type Litter interface {
	// Litter lists temporary things that no running store owns.
	Litter(t testing.TB) []string
}

// Run proves every promise of a sink.
func Run(t *testing.T, d Driver) { run(t, d, proofs) }

// Promise proves the sink's part in one of the program's numbered promises;
// number 0 are the parts of the contract that stand under none.
func Promise(t *testing.T, d Driver, number int) {
	var some []proof
	for _, p := range proofs {
		if p.promise == number {
			some = append(some, p)
		}
	}
	run(t, d, some)
}

func run(t *testing.T, d Driver, list []proof) {
	t.Helper()
	proven := 0
	for _, p := range list {
		t.Run(p.name, func(t *testing.T) {
			place := d.New(t)
			for _, a := range p.needs {
				has := able(t, place, a)
				reason, without := d.Without[a]
				switch {
				case has && without:
					t.Fatalf("the driver says that it goes without %s, but its place or its store has it", a)
				case without:
					t.Skipf("without %s: %s", a, reason)
				case !has:
					t.Fatalf("the place, or its store, lacks %s, and the driver does not say why", a)
				}
			}
			proven++
			p.prove(t, &fixture{place: place, driver: d})
		})
	}
	if proven == 0 {
		t.Fatal("nothing was proven")
	}
}

func able(t testing.TB, p Place, a Ability) (has bool) {
	switch a {
	case Stamps:
		_, has = p.(Stamper)
	case Faults:
		_, has = p.(Faulty)
	case Loses:
		_, has = p.(Loser)
	case Leaves:
		_, has = p.(Litter)
	case ReadsRuns:
		_, has = p.Open(t).(pipeline.RunReader)
	case ReadsRejects:
		_, has = p.Open(t).(pipeline.RejectReader)
	case ReadsHistory:
		_, has = p.Open(t).(pipeline.HistoryReader)
	case Verifies:
		_, has = p.Open(t).(pipeline.Verifier)
	case ReadsHoldings:
		_, has = p.Open(t).(pipeline.HoldingsReader)
	}
	return has
}
