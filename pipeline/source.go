package pipeline

import (
	"context"
	"io"
	"iter"
	"slices"
	"sync"
	"time"
)

// Source is one account of one vendor. It asks, waits and hands over bodies;
// it parses nothing and does no window arithmetic beyond Plan.
//
// All methods are safe for concurrent use.
type Source interface {
	// Streams lists the streams of this account, configured or not; Missing tells them apart. The list and its order
	// never change. It asks no vendor and does not block. The caller may keep the streams and must not change what they
	// point to. A stream's settings digest is that of the settings that shape a window's rows, and of nothing else: a
	// digest that changes makes every settled window count as changed.
	Streams() []Stream
	// Plan says what is asked for the given windows of s, which are disjoint and in order. Every window stands in exactly
	// one Extraction, and the requests of an extraction stand in the configured order of their targets. Plan is pure: it
	// asks nobody, reads no clock and does not block, since a plan shows its answer. The caller may keep the
	// answer; the source keeps nothing of due. Windows that are still open (see [Stream.Intraday]) come in a call of their own.
	Plan(s Stream, due []Window) []Extraction
	// Fetch carries out one request and yields each body of the answer, in order; an answer that had to be split has
	// several, and one without a body is an error of the caller. Fetch itself keeps within the vendor's rates and quotas
	// and retries what is [Retryable] until its retry time is over; the engine retries only a body that broke off while it
	// was read. Errors are *[Error] with a kind: Unauthorized ends the stream's run, all others fail the request's
	// windows. Fetch obeys ctx while it waits and may block for as long as the vendor takes. It stops at yield's first
	// error and returns that error as it is. The engine calls it for all requests at once and takes its slot inside yield,
	// so that waiting costs nothing. A Body is good until yield returns.
	Fetch(ctx context.Context, r Request, env Env, yield func(Body) error) error
	// Check makes the cheapest call that proves the credentials. It may be called at any time, also beside Fetch. It
	// retries as Fetch does, obeys ctx and leaves nothing behind at the vendor: no report is ordered. Errors are *[Error]:
	// Unauthorized where the vendor refused the credentials, with a hint that says what to do in every case.
	Check(ctx context.Context) error
}

// Prover is a [Source] that can prove more than its credentials before a sync relies on it.
type Prover interface {
	// Prove does Check, and tries whatever else a sync of the given streams needs: each thing that is named in the
	// settings, each kind of question. What of it fails stops nothing else of it, but where Check has failed nothing else
	// is tried. Like Check it orders no report, keeps within the vendor's rates and obeys ctx. The first proof is Check's.
	Prove(ctx context.Context, streams []StreamID) []Proof
}

// Proof is one thing that was tried. Its texts are for people, and hold no secret.
type Proof struct {
	What     string   // of the source: "callcenter:123"; empty for the source itself
	Err      error    // an *[Error] with a hint; nil when it is as a sync needs it
	Note     string   // what was found, where that is worth a line
	Warnings []string // what may be wrong and ends no sync
}

// TargetLister is a [Source] that can tell what it may be asked for.
type TargetLister interface {
	// Targets lists it, for people who choose. It asks as a [Prover] does, and leaves nothing behind. What could not be
	// listed is the error beside the targets that were; it has a hint.
	Targets(ctx context.Context) ([]Target, error)
}

// Target is what a source may be asked for.
type Target struct {
	Target string `json:"target"`            // as the settings take it: callcenter:123, or a name
	Kind   string `json:"kind"`              // callcenter, agent
	Name   string `json:"name,omitempty"`    // where that is another
	PartOf string `json:"part_of,omitempty"` // the target that it belongs to: office:789
	// Rows is how many rows of an hour the vendor has of it in the last 30 days; nil where nobody counted.
	Rows *int64 `json:"rows_of_30_days,omitempty"`
}

// Stream is one kind of data of one account, with the settings that shape it.
type Stream struct {
	Key      StreamKey
	Table    *Table
	Calendar Calendar      // how its windows are cut
	Grain    Calendar      // bounds that a request can express; the zero Calendar: any instant
	Settle   time.Duration // after a window's end, when the vendor stops restating it
	Lookback time.Duration // the trailing span that is read again on every run
	// Cache is how long the vendor would answer the same question from its
	// cache; a settled window is not read again within it.
	Cache time.Duration
	// StaleHint says what helps when a report is of other days than those asked
	// ([AskedDays]); empty where no report is asked by days.
	StaleHint string
	// ZoneHint says what helps when the rows of a report name days of another zone.
	ZoneHint string
	// DueSettled: a window is asked only when the local days that it touches
	// have ended and Settle is over (Dialpad answers by days).
	DueSettled bool
	// Intraday: the window that is still open is due as well. Its reading is provisional, and every run replaces it, but
	// within IntradayCache of the last such reading none does. With DueSettled these are the windows of the day that has
	// not ended.
	Intraday      bool
	IntradayCache time.Duration
	// Overlap: several requests of one Extraction may return the same source
	// row (events of overlapping targets); the first keeps it.
	Overlap bool
	// Unpublished: nobody has published what the vendor answers, nor that it answers at all. Such a stream is read only
	// where it is named, and rows of which only fields without a column may measure are committed with a warning.
	Unpublished bool
	// Reduction makes the stream's rows of several source rows each; nil: each source row is a row.
	Reduction *Reduction
	Format    Format
	// Mask takes the account's secrets out of what the vendor sent; nil: there are none.
	Mask Mask
	// Policy is what becomes of the stream's personal data. Format obeys it.
	Policy Policy
	// Owner says whose data the stream's are, as far as it is known by now: a vendor's answer may tell more than the
	// settings do. It asks nobody, does not block, and never takes back what it said. All streams of an account have the
	// same. nil, in a stream that nobody reads: it is not known.
	Owner func() Owner
	// Settings is the digest of the settings that shape a window's rows.
	Settings string
	// Shape is those settings themselves, by name and as they were typed, so that the stream can be made again of them
	// where nothing else of the account is known. They hold no secret. Nobody changes the map.
	Shape map[string]string
	// From is the first local date to sync ("2025-09-01"), empty when not set.
	From string
	// Asked are the fields that were asked for by name, so that each stands in some row.
	Asked AskedFields
	// Catalogue is what the user knows the setting as that says what the vendor's metrics are; empty where there is none.
	// Runs then note the metrics that no mapping names.
	Catalogue string
	// Asks says which of its requests a vendor is asked.
	Asks Asks
	// Untested tells of settings that the vendor does not document: it may take them all the same.
	Untested []string
	// Unsaid tells of what stays in extras as the vendor told it, until a setting says what it is.
	Unsaid []string
	// Seen are the source fields of the stream's last window with rows, read under the same settings, for Plan: the engine
	// sets it from the ledger. Empty where none is known, or nobody should count on them.
	Seen Fields
	// Missing names what must be configured before the stream can be read, as
	// variables; empty when it is configured.
	Missing []string
}

// Asks says which requests of a stream a vendor is asked.
type Asks int

const (
	AsksEach  Asks = iota // each of them
	AsksOnce              // each once and for ever, when its windows have settled: [EntryAsk] notes it
	AsksNever             // none: what is read has come by itself
)

// DefaultStreams, among the streams that are chosen, stands for those that are read without a choice.
const DefaultStreams StreamID = "default"

// Chosen reports whether a choice of streams names s. No choice at all is that of [DefaultStreams].
func (s Stream) Chosen(choice []StreamID) bool {
	if slices.Contains(choice, s.Key.Stream) {
		return true
	}
	return !s.Unpublished && (len(choice) == 0 || slices.Contains(choice, DefaultStreams))
}

// AskedFields are source fields that were asked for by name.
type AskedFields struct {
	Names   []string
	Setting string // what the user knows the list as
}

// Extraction is the unit of reading: windows that the same answers serve, and
// every request that must be answered before any of them is committed.
// Requests stand in configured order of their targets.
type Extraction struct {
	Windows  []Window
	Requests []Request
}

// Request is what one call (or one report) asks for.
type Request struct {
	Tenant  TenantKey
	Stream  StreamID
	Windows []Window // the windows it serves, disjoint and in order
	Span    Span     // what the vendor is asked for; covers the windows
	Zone    string   // IANA name: the zone of the request's parameters
	Scope   string   // callcenter:123, office:789, company; empty where there is none
	// Resources are the names a uContact request lists.
	Resources []string
	// Part says which of its extraction's requests it is. Who carries the plan out sets it, not the source.
	Part Part
}

// Part is the place of one among several.
type Part struct {
	Number int `json:"number"` // from 1 on; 0: nobody has counted
	Of     int `json:"of"`
}

// Env is what the engine lends to a Fetch.
type Env struct {
	Journal Journal
	// Sync and Order are of the reading that the answer is for; see [Entry].
	Sync   SyncID
	Order  uint64
	Memory Memory
	// Notify tells people what a Fetch waits for. It may be called from any goroutine.
	Notify func(Notice)
	// Turn lets the requests of an extraction be ordered one behind the other; nil: in any order.
	Turn *Turn
	// Ended is called with what is to be told how a reading ends of which this Fetch was a part, once, before anything of it is
	// committed: with why nothing will be, although its answers were all accepted one by one, or with nil. Where the reading
	// stops its context is done. nil: nobody tells.
	Ended func(end func(ctx context.Context, refused error) error)
}

// Turn is a request's place among those of its extraction. Where a vendor takes few orders an hour, answers that are read
// in order would otherwise wait for an earlier request that has not been ordered yet, and expire. A nil Turn has come.
type Turn struct {
	before <-chan struct{} // closed once the request before has been ordered; nil: there is none
	own    chan struct{}
	once   sync.Once
}

// Turns returns the turns of n requests.
func Turns(n int) []*Turn {
	all := make([]*Turn, n)
	var before <-chan struct{}
	for i := range all {
		all[i] = &Turn{before: before, own: make(chan struct{})}
		before = all[i].own
	}
	return all
}

// Wait returns once the request before has been ordered, or was given up. It obeys ctx.
func (t *Turn) Wait(ctx context.Context) error {
	if t == nil || t.before == nil {
		return ctx.Err()
	}
	select {
	case <-t.before:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Over tells that the request has been ordered, or is given up. It may be called again.
func (t *Turn) Over() {
	if t != nil {
		t.once.Do(func() { close(t.own) })
	}
}

// Memory is the ledger of the request's stream, for a source that must remember for good what it has asked for, and that
// looks at what has come by itself.
type Memory interface {
	// First is the start of the stream's first day.
	First() Instant
	// Ledger is as [Sink.Ledger] says.
	Ledger(ctx context.Context) (*Ledger, error)
	// Record is as [Sink.Record] says, for entries of the kinds [EntryAsk] and [EntryUnplaced]. It fills in their SyncID.
	Record(ctx context.Context, entries ...Entry) error
}

// Notice is a line of progress: "waiting for report", "throttled".
type Notice struct {
	Request Request
	Text    string
	Until   time.Time // when it will look again; zero if it does not wait
}

// Body is one document of an answer.
type Body struct {
	Meta Meta
	// Open starts reading it. It may be called again: a second call asks the
	// vendor (or the archive) again. Read errors are *[Error]: a cut connection is
	// Unavailable. gzip is already undone.
	Open func(context.Context) (io.ReadCloser, error)
}

// IntervalEnd is where an interval ends in a reading of the window that is still open: at the moment of reading, where
// that lies within the interval.
func (m *Meta) IntervalEnd(interval Span) Instant {
	if interval.Start < m.ExtractedAt && m.ExtractedAt < interval.End {
		return m.ExtractedAt
	}
	return interval.End
}

// IsProven reports whether a reader, read to its end, knows that nothing is missing: the answer had a length, a last
// chunk or a checksum. Bodies say so by a method Proven. What wraps a body passes that on.
func IsProven(r io.Reader) bool {
	p, ok := r.(interface{ Proven() bool })
	return ok && p.Proven()
}

// Reserve asks a body for room for a range that is longer than ranges are. A format calls it before it takes the memory,
// and again as often as it likes. Few such ranges are in memory at once, so that it may wait for another one to be
// staged; the body's context ends that. What wraps a body passes Reserve on.
func Reserve(r io.Reader) error {
	if b, ok := r.(interface{ Reserve() error }); ok {
		return b.Reserve()
	}
	return nil
}

// Meta describes a body well enough to read it again later from its bytes
// alone. It holds no secret.
type Meta struct {
	Request     Request `json:"request"`
	Span        Span    `json:"span"` // what this body was asked for: the request's span, or a part after a split
	ExtractedAt Instant `json:"extracted_at"`
	ReadAt      Instant `json:"read_at"` // by the real clock; orders commits
	// Group is the vendor's grouping of the rows: "60", "mth", "%Y-%m-%d %H", "user".
	Group string `json:"group,omitempty"`
	// ResponseZone is the IANA zone of wall-clock times in the body that carry none of their own.
	ResponseZone string `json:"response_zone,omitempty"`
	// Days makes the engine check that the rows are of the asked days (promise 10).
	Days *AskedDays `json:"days,omitempty"`
	// Portion says that the document serves windows of other requests too; nil: it serves this one alone.
	Portion *Portion `json:"portion,omitempty"`
	// Redacted is the digest of the policy that has replaced the body's personal values before it was kept, and the people's
	// names of the request; empty for what a vendor said.
	Redacted string `json:"redacted,omitempty"`
}

// Portion describes a request's part of a document. Rows outside the span are others', and count for nothing here.
type Portion struct {
	// Undated: the rejects without a time are counted here. One part of a document has them.
	Undated bool `json:"undated,omitempty"`
}

// Late reports whether the body was read more than 24 hours after the end of
// its window, so that values true only at the moment of reading are not its.
func (m *Meta) Late() bool {
	return m.ExtractedAt > m.Span.End.Add(24*time.Hour)
}

// AskedDays describes the local days that a report by "days ago" was asked for.
type AskedDays struct {
	Span  Span `json:"span"`  // all the asked days
	First Span `json:"first"` // the day at the early end
	Last  Span `json:"last"`  // the day at the late end
	// EdgesMustHaveRows: the answer may be another day's cached file, so an
	// asked day at an end without a row condemns it.
	EdgesMustHaveRows bool `json:"edges_must_have_rows,omitempty"`
}

// Format turns bytes into rows. It is pure, holds no state between calls and
// is safe for concurrent use; a vendor only declares its mapping.
type Format interface {
	// Split cuts a document into chunks of about rangeBytes at record ends, as it reads: nothing of the document is kept
	// beyond the chunk in the making. It yields at least one chunk for a well-formed document, also when that holds no
	// row, and an error of kind Malformed for anything that is not the document it should be, also for one that ends too
	// early. A body with irregular quoting ends with [ErrIrregular]. Read errors are passed on as they are. The first
	// error is the last element. The consumer owns each chunk and calls its Free; it may stop at any element.
	Split(r io.Reader, rangeBytes int) iter.Seq2[Chunk, error]
	// Decode appends the rows of one chunk to a batch of the stream's decoded table. A row that cannot be read becomes a
	// reject; an error condemns the whole document, and what stands in the batch is dropped. Chunks of one document are
	// decoded at once, in any order, each into a batch of its own. Decode keeps nothing of the chunk or the batch, does no
	// I/O and takes time linear in the chunk. Its errors never hold a value of a row.
	Decode(m *Meta, c Chunk, into *Batch) error
	// Lenient returns the serial, tolerant reading of the same document: the answer for every document that the strict
	// reading takes is the same, row by row. The engine opens the body again for it after [ErrIrregular]; its own Split
	// never ends with that. Lenient of a lenient format is the format itself. The format may be kept.
	Lenient() Format
}

// SnapshotFormat is a [Format] some of whose fields are true only at the moment of reading.
type SnapshotFormat interface {
	// Snapshot reports whether a member of extras is one of them, by its name. It keeps nothing of the name.
	Snapshot(name []byte) bool
}

// NamedFields is a [Format] that tells which source fields its mapping names.
type NamedFields interface {
	// Names reports whether it names a field, in any case where the format's fields may come in any.
	Names(field string) bool
}

// SuffixFormat is a [Format] whose documents have a customary suffix.
type SuffixFormat interface {
	// Suffix is that of a file's name, without the dot: csv.
	Suffix() string
}

// Chunk is a run of whole records.
type Chunk struct {
	Head []byte // the header record, where the document has one
	Data []byte // whole records; may be empty
	// Proven says that the document ends with this chunk and is known to be whole, so that its last record needs no line end.
	Proven bool
	// Free gives the chunk's memory back; Data is not touched afterwards. May be nil.
	Free func()
}

// Reduction declares that the rows of a stream are made of several source rows each, as the time in a state is made of
// the changes of state. The engine runs the reduction between decoding and the partition by window.
type Reduction struct {
	// Decoded is the table whose columns the stream's Format fills. The reducer makes rows of the stream's Table of them.
	Decoded *Table
	// New returns the reducer of one extraction. The windows are disjoint and in order.
	New func(windows []Window) Reducer
}

// Reducer reduces the source rows of one extraction. It is pure: the same source rows give the same rows, in whatever
// order bodies and requests arrive. The engine calls one method at a time, from any goroutine.
type Reducer interface {
	// Add takes the source rows of a finished batch, in the order of their body. It may be given rows outside of every
	// window: a state before a window's start, for example. The batch is the engine's and its memory is used again as
	// soon as Add returns, so that Add copies what it keeps. An error condemns the extraction. Add does not block.
	Add(m *Meta, b *Batch) error
	// Bytes is about the memory of what the reducer keeps. The engine asks after each Add and fails the extraction when
	// the bound on what one extraction may keep is passed.
	Bytes() int
	// Reduce appends the rows of one window to a batch of the stream's Table. The engine calls it once a window, in
	// order, when every source row was added. read is how many distinct source rows belong to the window; that number
	// stands in the ledger, where the equation of [Counts] does not hold for a reduced stream. A row of another window,
	// and an error, condemn the extraction. Reduce does not block and keeps nothing of the batch.
	Reduce(w Window, into *Batch) (read int64, err error)
}

// Decoded is the table whose columns the stream's Format fills.
func (s Stream) Decoded() *Table {
	if s.Reduction != nil {
		return s.Reduction.Decoded
	}
	return s.Table
}
