package pipeline

import "strings"

// SourceID names a vendor: ucontact, chattonic, dialpad.
type SourceID string

// AccountID names one tenant of a source; [DefaultAccount] unless several are configured.
type AccountID string

// DefaultAccount is the account of a source that has one tenant.
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

// TenantKey is one account of one source: the unit of a vendor's quotas.
type TenantKey struct {
	Source  SourceID
	Account AccountID
}

// SyncID identifies one run of sync; it is a lineage column.
type SyncID string
