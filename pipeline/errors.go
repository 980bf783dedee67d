package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Kind says what an error means for the run. Drivers classify once, by type
// or status code, never by text.
type Kind uint8

const (
	// Internal is a bug or a condition nobody foresaw. Exit code 1 outside windows.
	Internal Kind = iota
	// Invalid is a setting or an argument that is wrong. Exit code 2.
	Invalid
	// Unauthorized: the vendor or the sink refused the credentials. Never retried. Exit code 4.
	Unauthorized
	// Throttled: asked too often; retried after RetryAfter.
	Throttled
	// Unavailable: a fault that may pass (5xx, a reset or cut connection); retried.
	Unavailable
	// TooHeavy: the vendor gave up computing the answer (uContact's 408); the request is split, not repeated.
	TooHeavy
	// Refused: the vendor understood and said no (400, 404); repeating cannot help.
	Refused
	// Malformed: an answer that is not the document it should be. Nothing is committed.
	Malformed
	// Mismatch: a document of other times than those asked (wrong zone, a stale cached report).
	Mismatch
	// TooManyRejects: a larger share of the rows was rejected than the run allows.
	TooManyRejects
	// SinkFailed: the sink could not store or commit.
	SinkFailed
	// Stopped: a signal ended the run before the window was read.
	Stopped
	// Damaged: what a sink keeps of a stream cannot be read whole. Nothing is read or written on a guess. Exit code 1.
	Damaged
	// ClockWrong: the machine's clock and the vendor's are more than an hour apart. Nothing is read or written by such a
	// clock: the run ends. Exit code 1.
	ClockWrong
	// Unwritable: the sink takes nothing more, of any stream: its disk is full, or mounted read-only. Exit code 1.
	Unwritable
	// Locked: another process holds what the sink needs to write, for longer than anybody waits. Exit code 3.
	Locked
	// OtherTenant: the account's data in the sink are those of another host, bot or company than the configured one.
	// Nothing is read or written: the run ends. Exit code 2.
	OtherTenant
	// Unreadable: of a field more values cannot be read than the run allows.
	Unreadable
	// Unmeasured: a window of activity has rows, and none of them measures anything.
	Unmeasured
	// Drifted: a window lacks a field that the stream had before.
	Drifted
	// Unanswered: a field that was asked for by name is in no row.
	Unanswered
	// Awaited: the vendor was asked, and its answer may come until another run looks. The window stays as it is, and has
	// not failed.
	Awaited
)

// Cause says what went wrong where a kind has several causes, each of which needs something else done.
type Cause uint8

const (
	// NoCause: the kind says it.
	NoCause Cause = iota
	// OtherDocument: another document than the one asked for: a web page, another format. Malformed.
	OtherDocument
	// OtherCharset: the text is declared in a charset that is not read, or is UTF-16. Malformed.
	OtherCharset
	// Compressed: the answer is compressed in another way than gzip, or twice. Malformed.
	Compressed
	// Binary: the answer is no text. Malformed.
	Binary
	// NoDocument: nothing was in the answer. Malformed.
	NoDocument
	// CutShort: the document ends within a row, or before it is complete. Malformed.
	CutShort
	// HeaderAgain: the document begins anew within itself. Malformed.
	HeaderAgain
	// MissingField: a field without which no row is one is not there. Malformed.
	MissingField
	// VendorError: an answer of success that holds an error in the vendor's own words. Malformed.
	VendorError
	// Incomplete: the answer says of itself that rows are missing. Malformed.
	Incomplete
	// Stale: the vendor answered from a cache, about other days. Mismatch.
	Stale
	// Shifted: too many rows are of other times than those asked. Mismatch.
	Shifted
	// OtherZone: the times fit none of the asked intervals, as in another zone. Mismatch.
	OtherZone
	// NotReady: the vendor has not made the answer yet. Unavailable.
	NotReady
	// BrokenOff: the connection ended within the answer, or nothing more came. Unavailable.
	BrokenOff
	// Unreachable: no answer began. Unavailable.
	Unreachable
	// TooLong: the answer is longer than the run allows. Unavailable.
	TooLong
	// Undated: rejects without a time may be the rows of a window that has none. TooManyRejects.
	Undated
	// NotKept: an archive does not have the answer that a window was made of, or not all of it. Refused.
	NotKept
	// KeptDamaged: what an archive has of an answer is not what was put there. Refused.
	KeptDamaged
)

// Remedy says what closes a window that failed.
type Remedy uint8

const (
	// Correct: something here is to be corrected, as the message says.
	Correct Remedy = iota
	// Wait: the vendor or the network was at fault for a while, and the next run tries again.
	Wait
	// GiveUp: the next run tries again; where the vendor's answer stays as it is, only a waiver settles the window.
	GiveUp
)

// failure is how a kind or a cause is told.
type failure struct {
	word   string // for people; the machine's has _ for each blank
	remedy Remedy // where a vendor's answer failed
}

// kinds and causes are the one table of what a failure is called and what is done about it.
var (
	kinds = [...]failure{
		Internal: {"internal", Correct}, Invalid: {"invalid", Correct}, Unauthorized: {"unauthorized", Correct},
		Throttled: {"throttled", Wait}, Unavailable: {"unavailable", Wait}, TooHeavy: {"too heavy", GiveUp},
		Refused: {"refused", GiveUp}, Malformed: {"malformed", GiveUp}, Mismatch: {"mismatch", GiveUp},
		TooManyRejects: {"too many rejects", GiveUp}, SinkFailed: {"sink failed", Correct}, Stopped: {"stopped", Wait},
		Damaged: {"damaged", Correct}, ClockWrong: {"clock wrong", Correct}, Unwritable: {"sink unwritable", Correct},
		Locked: {"sink locked", Correct}, OtherTenant: {"other tenant", Correct},
		Unreadable: {"unreadable field", GiveUp}, Unmeasured: {"no measure", GiveUp},
		Drifted: {"drift", GiveUp}, Unanswered: {"missing metric", GiveUp},
		Awaited: {"awaited", Wait},
	}
	causes = [...]failure{
		OtherDocument: {"other document", GiveUp}, OtherCharset: {"other charset", GiveUp}, Compressed: {"compressed", GiveUp}, Binary: {"binary", GiveUp}, NoDocument: {"no document", GiveUp}, CutShort: {"cut short", Wait},
		HeaderAgain: {"header again", GiveUp}, MissingField: {"missing field", GiveUp}, VendorError: {"vendor error", GiveUp},
		Incomplete: {"incomplete", GiveUp}, Stale: {"stale", Wait}, Shifted: {"shifted", GiveUp}, OtherZone: {"other zone", Correct},
		NotReady: {"not ready", Wait}, BrokenOff: {"broken off", Wait}, Unreachable: {"unreachable", Wait},
		TooLong: {"too long", Correct}, Undated: {"undated rejects", GiveUp},
		NotKept: {"not archived", Correct}, KeptDamaged: {"archive damaged", Correct},
	}
)

func (k Kind) String() string { return kinds[k].word }

// Error is the one error type that crosses packages. Its text never holds a
// secret, a signed URL or a row's value.
type Error struct {
	Op         string        // what was being done: "POST /api/stats", "commit"
	Stream     StreamID      // empty where there is none
	Window     Span          // zero where there is none
	Kind       Kind          //
	Cause      Cause         // where the kind has several
	RetryAfter time.Duration // with Throttled and Unavailable, when the vendor named it
	Hint       string        // what the reader can do about it, a sentence
	Err        error         // the cause
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Stream != "" {
		b.WriteString(string(e.Stream))
		b.WriteByte(' ')
	}
	if !e.Window.Empty() {
		b.WriteString(e.Window.String())
		b.WriteByte(' ')
	}
	if b.Len() > 0 {
		b.WriteString("- ")
	}
	b.WriteString(e.Op)
	b.WriteString(": ")
	b.WriteString(e.told().word)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteByte(')')
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost [Error] in err's chain. A
// cancelled context without one is Stopped; anything else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) {
		return Stopped
	}
	return Internal
}

// told is how the error is called: by its cause, else by its kind.
func (e *Error) told() failure {
	if e.Cause != NoCause {
		return causes[e.Cause]
	}
	return kinds[e.Kind]
}

// failureOf is how err is called.
func failureOf(err error) failure {
	var e *Error
	if errors.As(err, &e) {
		return e.told()
	}
	return kinds[KindOf(err)]
}

// ErrorKind is the word by which programs know what went wrong: too_many_rejects, cut_short.
func ErrorKind(err error) string { return strings.ReplaceAll(failureOf(err).word, " ", "_") }

// RemedyOf says what closes a window that failed since a vendor's answer could not be used.
func RemedyOf(err error) Remedy { return failureOf(err).remedy }

// hints say what closes a window that failed, without a word of whoever refused it.
var hints = [...]string{
	Correct: "correct what the message of that run names; the window stays due until a reading succeeds",
	Wait:    "nothing is to be done; the window stays due until a reading succeeds",
	GiveUp:  "the window stays due; where the vendor's answer stays as it is, a waiver settles it",
}

// HintOf is the hint for a failure by its word, as [ErrorKind] tells it; empty for a word that nobody knows.
func HintOf(kind string) string {
	for _, of := range [][]failure{kinds[:], causes[:]} {
		for _, f := range of {
			if kind != "" && strings.ReplaceAll(f.word, " ", "_") == kind {
				return hints[f.remedy]
			}
		}
	}
	return ""
}

// Locate names the stream and the window of an error that names no stream;
// another error, or one that stands within others, stays as it is.
func Locate(err error, stream StreamID, window Span) error {
	var e *Error
	if errors.As(err, &e) && error(e) == err && e.Stream == "" {
		named := *e
		named.Stream, named.Window = stream, window
		return &named
	}
	return err
}

// OfOther is the error of kind OtherTenant where the data that a ledger tells of are of the one noted, and those at hand
// of other.
func OfOther(noted, other Owner) error {
	return &Error{Op: "compare the tenant with the ledger", Kind: OtherTenant, Err: fmt.Errorf("the sink has the data of %s, and these are of %s", noted, other)}
}

// Retryable reports whether repeating the same call may succeed.
func Retryable(err error) bool {
	k := KindOf(err)
	return k == Throttled || k == Unavailable
}

// ErrIrregular ends a Split or Decode whose document needs the lenient
// reading; the engine then reads the body again with Format.Lenient.
var ErrIrregular = errors.New("irregular quoting")

// RejectedRows is the cause of an [Error] of kind TooManyRejects.
type RejectedRows struct {
	Text string // how many, without any value of a row
	// First are the first rejects of the document, or of the window. Their raw texts are not for messages.
	First []Reject
}

func (e *RejectedRows) Error() string { return e.Text }

// RowError is the cause of an [Error] of a document that cannot be read on from one of its rows. A [Format] counts the row
// within what it has not handed over yet, or within a chunk; the engine adds the rows before.
type RowError struct {
	Row  int64  // from 1 on
	What string // behind the row's number, without a value of the row: ": a comma is missing", " is too long"
}

func (e *RowError) Error() string { return fmt.Sprintf("row %d%s", e.Row, e.What) }

// ConfigError is one thing that is wrong with the configuration. All faults of a
// run are reported together.
type ConfigError struct {
	Variable string // WINDROW_DIALPAD_TIMEZONE
	Problem  string // "is required when WINDROW_DIALPAD_TOKEN is set"
	Example  string // "America/Mexico_City"
	Place    string // where the variable is set, if that is known: "prod.env, line 3"
}

func (f ConfigError) String() string {
	s := f.Variable + " " + f.Problem
	if f.Place != "" {
		s = f.Place + ": " + s
	}
	if f.Example != "" {
		s += "; for example " + f.Variable + "=" + f.Example
	}
	return s
}

// Nearest returns the known word that somebody meant who typed name, if there is one: that with the fewest letters mistyped,
// a quarter of them at most (or two), else the shortest that begins with name, or ends with it behind a dot. Capitals make
// no difference.
func Nearest(name string, known []string) string {
	typed := strings.ToLower(name)
	most := min(max(2, len(typed)/4), len(typed)/2)
	best, at, longer := "", most+1, ""
	for _, word := range known {
		lower := strings.ToLower(word)
		if d := Edits(typed, lower); d < at {
			best, at = word, d
		}
		part := len(typed) > 3 && strings.HasPrefix(lower, typed) || typed != "" && strings.HasSuffix(lower, "."+typed)
		if part && (longer == "" || len(word) < len(longer)) {
			longer = word
		}
	}
	return cmp.Or(best, longer)
}

// NearestZone returns the name of the time zone that somebody meant who typed name, if there is one: also the right city in
// another part of the world.
func NearestZone(name string) string {
	last := func(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	if len(name) > 64 {
		return ""
	}
	best, least := "", len(name)/3+1
	if len(name) <= 5 && !strings.Contains(name, "/") { // an abbreviation is near to others, which are other zones
		least = 1
	}
	for _, zone := range calendar.ZoneNames() {
		lower := strings.ToLower(zone)
		far := Edits(name, lower)
		if len(last(name)) > 3 && last(lower) == last(name) {
			far = min(far, 1)
		}
		if far < least {
			best, least = zone, far
		}
	}
	return best
}

// Edits is the least number of letters inserted, deleted or changed that make
// b of a.
func Edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
