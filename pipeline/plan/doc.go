// Package plan decides which windows a run reads, and why. It is pure: a stream, its ledger, a selection and an instant
// go in, a plan comes out. No vendor and no sink is called.
//
// Start at plan.go: [Of] is a plan on one screen. planner.go says what is due and what is read again, planalign.go what
// is asked where a stream cannot be asked for a piece as it stands. [Shard] splits a plan among processes, and
// [Status] sums up a ledger.
package plan
