package pipeline

// Ledger is what is known of one stream: entries folded in the order of the
// log. It is a value of the program's memory; sinks store entries.
type Ledger struct {
}
