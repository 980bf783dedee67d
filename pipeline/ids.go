package pipeline

import "strings"

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
