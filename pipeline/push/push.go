package push

import (
	"context"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Push is one run of a push.
type Push struct {
	Ledger  Ledger
	Hub     Hub // nil where nothing is sent
	Key     Key
	Hasher  *Hasher
	Country string // of numbers that name none
	Batch   int    // contacts of one request, at least 1
	Resend  bool   // send again what was sent with another content
	Pace    Pace
	Names   Names
	Now     func() time.Time // the real clock
	// Tell is told what is waited for, and of each batch; nil: nobody listens.
	Tell func(text string)
}

// Names are what the user knows settings as, for messages.
type Names struct {
	Key, Ledger, Country, RetryFor string
}

// Pace is how long a push waits.
type Pace struct {
	RetryFor time.Duration // for a vendor who answers 429 to a batch
	Grace    time.Duration // after a signal, for the answer to a request that is under way
	Others   time.Duration // at the end, for batches that another push is sending
	// Pause waits for d, or until ctx ends, whose error it returns then; nil: [pipeline.Sleep].
	Pause func(ctx context.Context, d time.Duration) error
}

// shown is how many refusals are kept to be shown.
const shown = 20

// Prepared is a push whose input was read and judged. Nothing was sent or written yet.
type Prepared struct {
	Counts  Tally
	Shown   []Refusal // the first refusals, without their cells
	Example string    // an address of the first contact to be sent, to be shown masked; empty where there is none

	push       *Push
	sender     *sender
	toSend     spool
	suppressed []Entry
	held       []Entry // whose outcome was unknown
}

// Tally counts the rows of an input. Read is the sum of the next seven.
type Tally struct {
	Read, Sent, AlreadySent, Refused, Duplicate, Suppressed, Unknown, Planned int

	ToSend  int // of Planned, before anything is sent
	Changed int // of AlreadySent, or of ToSend where it is sent again: what was sent with another content
	Bad     int // of Refused: by the checks, not by the vendor
}

// Sieve is what a push keeps out.
type Sieve struct {
	// Suppressed tells of normalised addresses whether nothing is sent to one of them.
	Suppressed func(ids []string) bool
	// Refused is handed every row that the checks refused; nil: nobody wants them.
	Refused func(Refusal) error
}

// Prepare reads the ledger and the input, and judges every contact.
func (p *Push) Prepare(ctx context.Context, in Input, v Sieve) (*Prepared, error) {
	r := &Prepared{push: p, sender: newSender(p.Ledger, p.Hub, p.Key, p.Now)}
	if err := r.sender.bind(ctx, p, false); err != nil {
		return nil, err
	}
	if err := r.sender.catchUp(ctx); err != nil {
		return nil, err
	}
	err := in.Read(ctx, func(c Contact) error { return r.accept(c, v.Suppressed) }, func(f Refusal) error {
		r.refuse(f)
		if v.Refused == nil {
			return nil
		}
		return v.Refused(f)
	})
	if err == nil {
		err = r.toSend.seal()
	}
	return r, err
}

func (r *Prepared) accept(c Contact, suppressed func([]string) bool) error {
	r.Counts.Read++
	e, blocked := r.push.Hasher.Entry(c), suppressed(c.IDs)
	v := r.sender.book.Verdict(e)
	if v == WasSentOtherwise {
		r.Counts.Changed++
	}
	switch {
	case v == MayBeSent:
		r.Counts.Unknown++
		r.held = append(r.held, e)
		return nil
	case v == WasSent, v == WasSentOtherwise && (blocked || !r.push.Resend):
		r.Counts.AlreadySent++
		return nil
	case blocked:
		r.Counts.Suppressed++
		r.suppressed = append(r.suppressed, e)
		return nil
	}
	if r.Counts.ToSend == 0 {
		r.Example = c.IDs[0]
	}
	r.Counts.ToSend++
	r.Counts.Planned++
	return r.toSend.putItem(item{Entry: e, Payload: Payload{JSON: c.JSON, Data: c.Data}, otherwise: v == WasSentOtherwise})
}

func (r *Prepared) refuse(f Refusal) {
	r.Counts.Read++
	if f.DuplicateOf > 0 {
		r.Counts.Duplicate++
	} else {
		r.Counts.Refused++
		r.Counts.Bad++
	}
	if len(r.Shown) < shown {
		f.Cells = nil
		r.Shown = append(r.Shown, f)
	}
}

// RefusedShare is the share of the rows that the checks refused. Duplicates do not count, neither here nor there.
func (r *Prepared) RefusedShare() float64 {
	rows := r.Counts.Read - r.Counts.Duplicate
	if rows == 0 {
		return 0
	}
	return float64(r.Counts.Bad) / float64(rows)
}

// Unknown are the batches of the push whose outcome is unknown, as the ledger had them.
func (r *Prepared) Unknown() []BatchRecord { return unknownOf(r.sender.book) }

func unknownOf(b *Book) (unknown []BatchRecord) {
	for _, of := range b.Batches() {
		if of.State.Seen() == Unknown {
			seen := *of
			seen.State = Unknown
			unknown = append(unknown, seen)
		}
	}
	return unknown
}

// Report is how a push ended.
type Report struct {
	Counts  Tally
	Batches []BatchRecord // those of this run as they ended, behind those of earlier runs whose outcome is unknown
	Unknown int           // batches of the push, of whichever run
	Refused bool          // the vendor refused a batch of this run
	// Stop is why not everything was tried: of kind Unauthorized, Throttled, Unavailable or Stopped, or of kind ClockWrong, also
	// where everything was; nil: all was tried.
	Stop error
}

// Exit is the report's exit code.
func (r Report) Exit() int {
	switch {
	case r.Unknown > 0:
		return pipeline.ExitUnknown
	case r.Stop != nil && pipeline.KindOf(r.Stop) == pipeline.Unauthorized:
		return pipeline.ExitUnauthorized
	case r.Stop != nil && pipeline.KindOf(r.Stop) == pipeline.Stopped:
		return pipeline.ExitStopped
	case pipeline.KindOf(r.Stop) == pipeline.ClockWrong:
		return pipeline.ExitOf(pipeline.ClockWrong)
	case r.Refused, r.Counts.Planned > 0, r.Stop != nil:
		return pipeline.ExitFailed
	}
	return pipeline.ExitDone
}

// Told is the report of a push that sends nothing.
func (r *Prepared) Told() Report {
	unknown := r.Unknown()
	return Report{Counts: r.Counts, Batches: unknown, Unknown: len(unknown)}
}
