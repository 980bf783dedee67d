package pipeline

import "slices"

// EntryKind says what a ledger entry records.
type EntryKind string

const (
	// EntryOrigin: Window.Start is 30 local days before the stream's first sync,
	// which recorded it: the first day where FROM is not set. The earliest counts.
	EntryOrigin EntryKind = "origin"
	// EntryFirst: Window.Start is the stream's first day as a sync planned it, where
	// the ledger had another: FROM, or the origin again once FROM is removed. Plans
	// do not read it; it is for those who read the ledger and know no FROM.
	EntryFirst EntryKind = "first"
	// EntryBegin: a commit of the window has begun; until EntryCommit of the same
	// SyncID follows, what the table holds for it is unknown and it is open.
	EntryBegin EntryKind = "begin"
	// EntryReopen: the table does not hold what the ledger says of the window, as Note tells; what it holds is unknown and
	// the window is open, until a commit of the same or a newer reading follows. Order, ReadAt and SyncID are those of the
	// commit that was found wanting.
	EntryReopen EntryKind = "reopen"
	// EntryCommit: the table holds exactly this reading of the window.
	EntryCommit EntryKind = "commit"
	// EntryFail: reading or committing the window failed; Note says why.
	EntryFail EntryKind = "fail"
	// EntryOwner: Note is the [Owner] of the stream's data, as its first commit had it. It has no window. It completes what
	// the ledger knows of the owner, and changes nothing of that.
	EntryOwner EntryKind = "owner"
	// EntryAdopt: an operator declared Note to be the owner from here on, as where a host was renamed. It has no window.
	EntryAdopt EntryKind = "adopt"
	// EntryWaive: an operator declared the span settled without rows; Note is the reason.
	EntryWaive EntryKind = "waive"
	// EntryAsk: the vendor is about to be asked to send what the window is made of, which is done once and never again.
	// ReadAt is when. An entry of the same SyncID and window follows once it is known what came of it, with [AskTaken] as
	// Note, or an ErrorKind; until then nobody knows whether the vendor was asked.
	EntryAsk EntryKind = "ask"
	// EntryUnplaced: Note names, a line each, what the vendor has sent and no window takes; the last one counts. It has no
	// window.
	EntryUnplaced EntryKind = "unplaced"
)

// AskTaken is the Note of an [EntryAsk] that the vendor has taken.
const AskTaken = "taken"

// Known reports whether this version of the program knows the kind. A ledger that has an entry of another kind is
// refused, since a part of what it says would go unheard.
func (k EntryKind) Known() bool {
	switch k {
	case EntryOrigin, EntryFirst, EntryBegin, EntryReopen, EntryCommit, EntryFail, EntryWaive, EntryOwner, EntryAdopt, EntryRemnant, EntryAsk, EntryUnplaced:
		return true
	}
	return false
}

// NewerThan reports whether e is of a newer reading than o: of a later one by the ledger's order, by the clock between
// readings that began from the same ledger.
func (e *Entry) NewerThan(o *Entry) bool {
	if e.Order != o.Order {
		return e.Order > o.Order
	}
	return e.ReadAt > o.ReadAt
}

// Counts reconcile a window: Read = Rows + Rejected + Outside + Duplicate,
// over the windows that one report serves.
type Counts struct {
	Read      int64 `json:"read"`
	Rows      int64 `json:"rows"`
	Rejected  int64 `json:"rejected"`
	Outside   int64 `json:"outside"`
	Duplicate int64 `json:"duplicate"`
}

// Add returns the sums of both.
func (c Counts) Add(o Counts) Counts {
	return Counts{c.Read + o.Read, c.Rows + o.Rows, c.Rejected + o.Rejected, c.Outside + o.Outside, c.Duplicate + o.Duplicate}
}

// Entry is one line of the ledger. Zero fields are left out of its JSON.
type Entry struct {
	Kind        EntryKind `json:"kind"`
	Window      Window    `json:"window"`
	SyncID      SyncID    `json:"sync_id,omitempty"`
	ExtractedAt Instant   `json:"extracted_at,omitzero"` // by the clock that plans
	// Order says which of two readings is the newer one: it is greater than that of every commit that the ledger had when
	// the reading began. It follows no clock. Entries of versions that knew none have 0.
	Order       uint64  `json:"order,omitempty"`
	ReadAt      Instant `json:"read_at,omitzero"`      // by the real clock; decides between readings of equal order
	CommittedAt Instant `json:"committed_at,omitzero"` // by the real clock
	Settled     bool    `json:"settled,omitempty"`     // read at or after End + Settle
	Counts      Counts  `json:"counts,omitzero"`
	// Unreadable counts the values of the loaded rows that could not be read, by source field. Entries of earlier versions
	// have none.
	Unreadable FieldCounts `json:"unreadable,omitempty"`
	// Fields are the source fields of the reading's documents, and of earlier readings those that say something still.
	// Entries of earlier versions, and of windows without rows, have none.
	Fields      Fields `json:"fields,omitempty"`
	Fingerprint Hash   `json:"fingerprint,omitzero"`
	RejectsHash Hash   `json:"rejects_hash,omitzero"`
	Settings    string `json:"settings,omitempty"`
	Staged      int64  `json:"staged,omitempty"` // about the bytes that the reading's stage held
	// Bytes is the size of the data that the sink keeps for the window, where it can tell (Parquet: of the file); with
	// Unchanged of the earlier reading's. 0 says nothing: entries of earlier versions have no size.
	Bytes int64 `json:"bytes,omitempty"`
	// Supersedes names the windows of other bounds that this commit replaced.
	Supersedes []Window `json:"supersedes,omitempty"`
	Unchanged  bool     `json:"unchanged,omitempty"`  // the rows in the table are an earlier, equal reading's
	HasData    bool     `json:"has_data,omitempty"`   // the sink keeps something for the window (Parquet: a file, maybe without rows)
	ErrorKind  string   `json:"error_kind,omitempty"` // of a failure, as [ErrorKind] tells it
	Note       string   `json:"note,omitempty"`       // the error of a failure, the reason of a waiver, an owner
	// Before is what a begin notes of the windows whose committed rows go, and of its own.
	Before []Before `json:"before,omitempty"`
}

// Before is what a begin notes of a window whose committed rows go, since nobody can tell it from the table once they do.
type Before struct {
	Window Span   `json:"window"`
	Of     SyncID `json:"of,omitempty"` // the run of the commit whose rows they are; empty: of none
	// Sums are those of the rows; nil: not known.
	Sums Sums `json:"sums,omitzero"`
	// By are the runs that have begun to replace the window and may have written a row of history of it: one that tells
	// of a commit that never was, until a commit of theirs follows.
	By []SyncID `json:"by,omitempty"`
}

// and is what is noted of a window once the later note comes after b; either may be nil.
func (b *Before) and(later *Before) []Before {
	switch {
	case b == nil && later == nil:
		return nil
	case later == nil:
		return []Before{*b}
	case b == nil:
		return []Before{*later}
	}
	both := *later
	if later.Of == b.Of && later.Sums == nil {
		both.Sums = b.Sums
	}
	both.By = slices.Clone(b.By)
	for _, id := range later.By {
		if !slices.Contains(both.By, id) {
			both.By = append(both.By, id)
		}
	}
	return []Before{both}
}

// BeforeOf is what the entry notes of a window; nil: nothing.
func (e *Entry) BeforeOf(s Span) *Before {
	i := slices.IndexFunc(e.Before, func(b Before) bool { return b.Window == s })
	if i < 0 {
		return nil
	}
	return &e.Before[i]
}
