package push

import (
	"cmp"
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

// Key names one push: a contact is accepted at most once under it. The zero Key names the ledger's own log, of its terms.
type Key struct {
	Account  pipeline.AccountID `json:"account"`
	Hub      string             `json:"hub"`
	Delivery Delivery           `json:"kind"`
	Name     string             `json:"key"` // the list's name, or the operator's key of a push of leads
}

// Compare orders keys by account, hub, delivery and name.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Account, o.Account), cmp.Compare(k.Hub, o.Hub), cmp.Compare(k.Delivery, o.Delivery), cmp.Compare(k.Name, o.Name))
}

// Change is one line of the send ledger.
type Change struct {
	State    State     `json:"state,omitempty"`
	Batch    string    `json:"batch,omitempty"`    // empty where contacts are planned or suppressed, of no batch yet
	Number   int       `json:"number,omitempty"`   // of the batch, in its first change alone; and so Name, Run and Contacts
	Name     string    `json:"name,omitempty"`     // by which the portal shows the batch
	Run      string    `json:"run,omitempty"`      // who sends it: a process, as [Witness] names it, a slash and which of its pushes
	Contacts []Entry   `json:"contacts,omitempty"` // of the batch
	At       time.Time `json:"at"`                 // by the real clock
	Status   int       `json:"status,omitempty"`   // of the vendor's answer
	Note     string    `json:"note,omitempty"`     // the vendor's text without addresses, or the operator's reason
	Terms    *Terms    `json:"terms,omitempty"`    // in the ledger's own log alone
}

// Entry is one contact in the ledger. It tells nothing about addresses and content.
type Entry struct {
	IDs     []Digest `json:"ids"` // sorted, each once
	Content Digest   `json:"content"`
}

// Position is how far a reader of the send ledger has read. The zero Position is the beginning.
type Position uint64

// ErrMoved ends an Append whose position is not the ledger's end any more: another push has written meanwhile.
var ErrMoved = errors.New("the send ledger has moved on")

// Ledger keeps what was sent under each key, as a log for each. It is durable, and safe for concurrent use, also by several
// processes. Errors are *[pipeline.Error], of kind Damaged where a log cannot be read whole, by the name of what is
// damaged. Methods obey ctx; what the store calls passing they retry within it.
type Ledger interface {
	// Read hands the changes of a key behind a position to fold, in their order, and returns the position behind the last
	// one. A key never seen has none. It costs what lies behind the position, not what lies before it. A change belongs to
	// fold. An error of fold ends the reading and comes back as it is.
	Read(ctx context.Context, k Key, after Position, fold func(Change) error) (Position, error)
	// Append adds changes, at least one, behind a position and returns the position behind them. The changes are durable,
	// all or none, when it returns nil. Where the key's log has moved on since, it adds nothing and returns [ErrMoved], and so
	// it may where its own write has moved the log and the store's answer was lost; the caller reads again. After any other error nobody knows whether the changes stand; Read tells. It retries nothing that
	// may have had its effect. It may block for one write of the store.
	Append(ctx context.Context, k Key, after Position, changes ...Change) (Position, error)
	// Keys lists the keys that have a log, sorted by account, hub, delivery and name, without the zero Key.
	Keys(ctx context.Context) ([]Key, error)
	// Close lets go of the ledger. It is idempotent.
	Close() error
}

// Witness is an ability of a ledger that knows which of those who write to it still live.
type Witness interface {
	// Run names this process in the changes that it writes; empty where nobody could tell whether it lives.
	Run() string
	// Life tells whether the process of that name is still there.
	Life(ctx context.Context, run string) Life
}

// Life is what a [Witness] knows of a process.
type Life uint8

const (
	// Doubtful: it may be there, out of sight.
	Doubtful Life = iota
	Dead
	Alive
)

// Terms is what a ledger belongs to. Under other terms the same addresses would look like new ones.
type Terms struct {
	Key     *Digest            `json:"key,omitempty"`     // of the operator's key, for the whole ledger
	Account pipeline.AccountID `json:"account,omitempty"` // with Hub: where Country counts
	Hub     string             `json:"hub,omitempty"`
	Country string             `json:"country,omitempty"` // of numbers that name none; empty: they are sent as they are
}
