package pipeline

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// SourceID names a vendor: ucontact, chattonic, dialpad.
type SourceID string

// AccountID names one tenant of a source.
type AccountID string

// DefaultAccount is the account of a source that has one tenant. Only who reads
// the configuration gives it to a source.
const DefaultAccount AccountID = "default"

// StreamID is the full name of a stream: "dialpad.calls".
type StreamID string

// Source is the part before the dot.
func (s StreamID) Source() SourceID {
	name, _, _ := strings.Cut(string(s), ".")
	return SourceID(name)
}

// StreamKey is one stream of one account: the unit of a ledger and of a watermark.
type StreamKey struct {
	Account AccountID
	Stream  StreamID
}

func (k StreamKey) String() string { return string(k.Stream) + "@" + string(k.Account) }

// Label is the stream, with its account where that says something.
func (k StreamKey) Label() string { return withAccount(string(k.Stream), k.Account) }

// TenantKey is one account of one source: the unit of a vendor's quotas.
type TenantKey struct {
	Source  SourceID
	Account AccountID
}

// Label is the source, with its account where that says something.
func (k TenantKey) Label() string { return withAccount(string(k.Source), k.Account) }

func withAccount(name string, account AccountID) string {
	if account == DefaultAccount || account == "" {
		return name
	}
	return name + "@" + string(account)
}

// SyncID identifies one run of sync; it is a lineage column.
type SyncID string

// NewSyncID sorts by the real time and is unique among runs.
func NewSyncID(now time.Time) SyncID {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return SyncID(fmt.Sprintf("%s-%x", now.UTC().Format(syncLayout), b))
}

// syncLayout is how a sync id begins.
const syncLayout = "20060102T150405Z"

// Time is when the run began, as its id tells; false for an id that does not.
func (id SyncID) Time() (time.Time, bool) {
	if len(id) < len(syncLayout) {
		return time.Time{}, false
	}
	at, err := time.Parse(syncLayout, string(id[:len(syncLayout)]))
	return at, err == nil
}

// Owner says whose data an account's are: the vendor's host, with its port where that is an unusual one, and behind a
// slash the unit of the vendor's, a bot or a company, where it is known: "acme.ucontactcloud.com",
// "api.chat-tonic.example/acme". Empty where nobody has told.
type Owner string

// Simulated is the owner of whatever a vendor on this machine says, whatever its port and unit.
const Simulated Owner = "simulated"

// Host is the part before the slash.
func (o Owner) Host() string {
	host, _, _ := strings.Cut(string(o), "/")
	return host
}

// Unit is the part behind the slash; empty where it is not known.
func (o Owner) Unit() string {
	_, unit, _ := strings.Cut(string(o), "/")
	return unit
}

// Of is the owner with the unit, where it has none yet and can have one.
func (o Owner) Of(unit string) Owner {
	if unit == "" || o == "" || o == Simulated || o.Unit() != "" {
		return o
	}
	return o + "/" + Owner(unit)
}

// Contradicts reports whether both cannot be the same: the hosts differ, or the units where both are known.
func (o Owner) Contradicts(p Owner) bool {
	if o == "" || p == "" {
		return false
	}
	return o.Host() != p.Host() || o.Unit() != "" && p.Unit() != "" && o.Unit() != p.Unit()
}

// And is what both say together. Where they contradict each other, o counts.
func (o Owner) And(p Owner) Owner {
	if o == "" {
		return p
	}
	if o.Contradicts(p) {
		return o
	}
	return o.Of(p.Unit())
}
