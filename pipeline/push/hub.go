package push

import (
	"context"
	"time"
)

// Hub is an outbound hub of a vendor. Calls for one hub come one after the other.
type Hub interface {
	// Wait returns when the vendor's rate allows a request, or ctx ends, with its error. It asks nobody. It comes before a
	// batch is noted as sending, so that a kill during the pause leaves nothing unknown.
	Wait(ctx context.Context) error
	// Send makes one exchange with the vendor: one request, never a second one, no redirect, no retry below. It returns
	// when the exchange is over or ctx ends, with [NotWritten] only where no byte of the request has left. It may block
	// for as long as the vendor takes, and keeps nothing of the batch.
	Send(ctx context.Context, k Key, b Batch) Outcome
}

// Batch is contacts that one request carries.
type Batch struct {
	ID       string
	Number   int    // among the batches of the key that left, counted from 1
	Name     string // by which a person finds it in the vendor's portal: the list's file name, or the number
	Contacts []Payload
}

// Payload is one contact as it is sent: see [Contact].
type Payload struct {
	JSON []byte
	Data []byte // of leads the hub adds the member windrow_push to it, {"key":…,"batch":number}
}

// Outcome is what became of an exchange.
type Outcome struct {
	Event      Event
	Status     int           // of the vendor's answer; 0 where none began
	RetryAfter time.Duration // as the vendor asked with [Throttled]; 0: it did not say
	Clock      error         // of kind ClockWrong where the answer's Date proves this machine's clock wrong: what is sent next would leave by that clock
	Text       string        // the first 512 bytes of the vendor's text, or what befell the request, without any address or value that was sent
}
