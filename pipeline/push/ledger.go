package push

import (
	"context"
	"errors"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Delivery is how a hub is given contacts: as a list that it works through, or as leads that are called soon.
type Delivery string

const (
	Lists Delivery = "lists"
	Leads Delivery = "freshLeads"
)

// Key names one push: a contact is accepted at most once under it.
type Key struct {
	Account  pipeline.AccountID
	Hub      string
	Delivery Delivery
	Name     string // the list's name, or the operator's key of a push of leads
}

// ContactID is the keyed hash of a contact's normalised addresses. It tells nothing about them.
type ContactID string

// Change is one line of the send ledger.
type Change struct {
	Batch    string      `json:"batch"`
	State    State       `json:"state"`
	Contacts []ContactID `json:"contacts,omitempty"` // of the batch; in its first change alone
	At       time.Time   `json:"at"`                 // by the real clock
	Note     string      `json:"note,omitempty"`     // the vendor's text without addresses, or the operator's reason
}

// Position is how far a reader of the send ledger has read. The zero Position is the beginning.
type Position uint64

// ErrMoved ends an Append whose position is not the ledger's end any more: another push has written meanwhile.
var ErrMoved = errors.New("the send ledger has moved on")

// Ledger keeps what was sent under each key. It is durable, and safe for concurrent use, also by several processes.
type Ledger interface {
	// Read returns the changes of a key in their order, and the position behind the last one. A key never seen has none.
	// It may be called at any time and keeps nothing. Errors are *[pipeline.Error]; what the store calls passing is
	// retried by the ledger, within ctx.
	Read(ctx context.Context, k Key) ([]Change, Position, error)
	// Append adds changes behind a position and returns the position behind them. The changes are durable, all or none,
	// when it returns nil. Where the key's ledger has moved on since, it adds nothing and returns [ErrMoved]; the caller
	// reads again. After any other error nobody knows whether the changes stand; Read tells. The ledger retries nothing
	// that may have had its effect. Errors are *[pipeline.Error]. It obeys ctx and may block for one write of the store.
	Append(ctx context.Context, k Key, after Position, changes ...Change) (Position, error)
}
