package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
)

// lineReader reads the lines of the ledger, one a window, since every command reads them all and encoding/json is slow
// and leaves many strings behind.
//
// It knows the form in which this program writes entries. For any other form, valid JSON or not, read reports that it
// did not understand, and encoding/json decides.
type lineReader struct {
	line    []byte
	at      int
	bad     bool
	columns []byte // of the pack that was read last
	// last are the newest of the strings that a history repeats.
	last struct{ kind, zone, run, settings, fields, failure string }
}

// read reads one line, without its end.
func (r *lineReader) read(line []byte) (e pipeline.Entry, ok bool) {
	r.line, r.at, r.bad = line, 0, false
	r.object(func(key []byte) { r.field(key, &e) })
	return e, !r.bad && r.at == len(r.line)
}

func (r *lineReader) field(key []byte, e *pipeline.Entry) {
	switch string(key) {
	case "kind":
		e.Kind = pipeline.EntryKind(r.repeated(&r.last.kind))
	case "window":
		e.Window = r.window()
	case "sync_id":
		e.SyncID = pipeline.SyncID(r.repeated(&r.last.run))
	case "extracted_at":
		e.ExtractedAt = r.instant()
	case "order":
		e.Order = uint64(r.number())
	case "read_at":
		e.ReadAt = r.instant()
	case "committed_at":
		e.CommittedAt = r.instant()
	case "settled":
		e.Settled = r.yes()
	case "counts":
		e.Counts = r.counts()
	case "unreadable":
		e.Unreadable = make(pipeline.FieldCounts)
		r.object(func(field []byte) { e.Unreadable[string(field)] = r.number() })
	case "fields":
		e.Fields = pipeline.Fields(r.repeated(&r.last.fields))
	case "fingerprint":
		e.Fingerprint = r.hash()
	case "rejects_hash":
		e.RejectsHash = r.hash()
	case "settings":
		e.Settings = r.repeated(&r.last.settings)
	case "staged":
		e.Staged = r.number()
	case "bytes":
		e.Bytes = r.number()
	case "supersedes":
		r.list(func() { e.Supersedes = append(e.Supersedes, r.window()) })
	case "unchanged":
		e.Unchanged = r.yes()
	case "has_data":
		e.HasData = r.yes()
	case "error_kind":
		e.ErrorKind = r.repeated(&r.last.failure)
	case "note":
		e.Note = string(r.text())
	default:
		r.bad = true
	}
}

func (r *lineReader) window() (w pipeline.Window) {
	r.object(func(key []byte) {
		switch string(key) {
		case "start":
			w.Start = r.instant()
		case "end":
			w.End = r.instant()
		case "zone":
			w.Zone = r.repeated(&r.last.zone)
		default:
			r.bad = true
		}
	})
	return w
}

func (r *lineReader) counts() (c pipeline.Counts) {
	r.object(func(key []byte) {
		switch string(key) {
		case "read":
			c.Read = r.number()
		case "rows":
			c.Rows = r.number()
		case "rejected":
			c.Rejected = r.number()
		case "outside":
			c.Outside = r.number()
		case "duplicate":
			c.Duplicate = r.number()
		default:
			r.bad = true
		}
	})
	return c
}

// object reads a JSON object without blanks; field reads the value of a key.
func (r *lineReader) object(field func(key []byte)) {
	r.expect('{')
	for !r.bad {
		key := r.text()
		r.expect(':')
		if r.bad {
			return
		}
		field(key)
		if !r.next(',') {
			r.expect('}')
			return
		}
	}
}

// list reads a JSON array that is not empty.
func (r *lineReader) list(item func()) {
	r.expect('[')
	for !r.bad {
		item()
		if !r.next(',') {
			r.expect(']')
			return
		}
	}
}

func (r *lineReader) next(c byte) bool {
	if r.bad || r.at >= len(r.line) || r.line[r.at] != c {
		return false
	}
	r.at++
	return true
}

func (r *lineReader) expect(c byte) {
	if !r.next(c) {
		r.bad = true
	}
}

// text is a JSON string of printable ASCII without escapes. Its memory is the line's.
func (r *lineReader) text() []byte {
	r.expect('"')
	if r.bad {
		return nil
	}
	n := bytes.IndexByte(r.line[r.at:], '"')
	if n < 0 {
		r.bad = true
		return nil
	}
	text := r.line[r.at : r.at+n]
	r.at += n + 1
	for _, c := range text {
		if c < ' ' || c == '\\' || c > '~' {
			r.bad = true
			return nil
		}
	}
	return text
}

// repeated is a string that is likely the last one.
func (r *lineReader) repeated(last *string) string {
	if text := r.text(); string(text) != *last {
		*last = string(text)
	}
	return *last
}

func (r *lineReader) yes() bool {
	const word = "true" // what is false is left out
	if r.bad || !bytes.HasPrefix(r.line[r.at:], []byte(word)) {
		r.bad = true
		return false
	}
	r.at += len(word)
	return true
}

// number is a whole number of at most 18 digits.
func (r *lineReader) number() int64 {
	begin, n := r.at, int64(0)
	for r.at < len(r.line) && '0' <= r.line[r.at] && r.line[r.at] <= '9' {
		n = n*10 + int64(r.line[r.at]-'0')
		r.at++
	}
	digits := r.at - begin
	if digits == 0 || digits > 18 || digits > 1 && r.line[begin] == '0' {
		r.bad = true
	}
	return n
}

func (r *lineReader) hash() (h pipeline.Hash) {
	if text := r.text(); !r.bad && h.UnmarshalText(text) != nil {
		r.bad = true
	}
	return h
}

// instant is RFC 3339 in UTC: 2025-09-08T05:00:00Z, with up to 6 digits of a fraction.
func (r *lineReader) instant() pipeline.Instant {
	t := r.text()
	const whole = len("2006-01-02T15:04:05")
	if r.bad || len(t) <= whole || t[len(t)-1] != 'Z' || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':' {
		r.bad = true
		return 0
	}
	year, month, day := r.digits(t[:4]), r.digits(t[5:7]), r.digits(t[8:10])
	hour, minute, second := r.digits(t[11:13]), r.digits(t[14:16]), r.digits(t[17:whole])
	micros := 0
	if fraction := t[whole : len(t)-1]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) == 1 || len(fraction) > 7 {
			r.bad = true
			return 0
		}
		micros = r.digits(fraction[1:])
		for n := len(fraction); n < 7; n++ {
			micros *= 10
		}
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if month < 1 || month > 12 || day < 1 || at.Day() != day || hour > 23 || minute > 59 || second > 59 {
		r.bad = true
	}
	return pipeline.Instant(at.Unix()*1_000_000 + int64(micros))
}

func (r *lineReader) digits(text []byte) (n int) {
	for _, c := range text {
		if c < '0' || c > '9' {
			r.bad = true
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// pack reads the line of a pack, without its end.
func (r *lineReader) pack(line []byte) (p pipeline.CommitPack, ok bool) {
	r.line, r.at, r.bad = line, 0, false
	r.object(func(key []byte) {
		switch string(key) {
		case "kind":
			p.Kind = pipeline.EntryKind(r.text())
		case "zone":
			p.Zone = r.repeated(&r.last.zone)
		case "settings":
			p.Settings = r.repeated(&r.last.settings)
		case "fields":
			p.Fields = pipeline.Fields(r.repeated(&r.last.fields))
		case "settled":
			p.Settled = r.yes()
		case "unchanged":
			p.Unchanged = r.yes()
		case "has_data":
			p.HasData = r.yes()
		case "count":
			p.Count = int(r.number())
		case "columns":
			var err error
			if p.Columns, err = base64.StdEncoding.AppendDecode(r.columns[:0], r.text()); err != nil {
				r.bad = true
			}
			r.columns = p.Columns
		default:
			r.bad = true
		}
	})
	return p, !r.bad && r.at == len(r.line)
}

var packBegins = []byte(`{"kind":"` + pipeline.EntryCommits + `",`)

// foldObject folds an object of the ledger into l, and hands its entries to each before, but for those in packs. After an
// error, what was folded proves nothing.
func (r *lineReader) foldObject(name string, body []byte, l *pipeline.Ledger, each func(pipeline.Entry)) (entries int, err error) {
	err = object.Read(ledgerForm, name, body, func(version int, line []byte) (err error) {
		if version > 1 && bytes.HasPrefix(line, packBegins) {
			p, ok := r.pack(line)
			if !ok {
				p = pipeline.CommitPack{}
				err = json.Unmarshal(line, &p)
			}
			entries += p.Count
			return errors.Join(err, l.ApplyPack(p))
		}
		e, ok := r.read(line)
		if !ok {
			if e, err = anyEntry(line); err != nil {
				return err
			}
		}
		if !e.Kind.Known() {
			err = fmt.Errorf("it has an entry of no kind: %q", e.Kind)
			if version > 1 { // believed only if the proof fits
				err = object.NewerError{What: fmt.Sprintf("it has an entry of the kind %q, which this version does not know", e.Kind)}
			}
		}
		entries++
		each(e)
		l.Apply(e)
		return err
	})
	return entries, err
}

// anyEntry reads a line that [lineReader] did not understand. It is a function of its own because an entry that
// encoding/json fills lies on the heap.
func anyEntry(line []byte) (e pipeline.Entry, err error) {
	err = json.Unmarshal(line, &e)
	return e, err
}

// packFrom is from how many entries on a snapshot has packs. A smaller one stays lines that anybody can read. The versions
// that know no packs refuse one as of a newer version, since it is an entry of a kind that they do not know.
const packFrom = 50_000

// snapshotOf is the object of that name that sums up a ledger.
func snapshotOf(name string, l *pipeline.Ledger) ([]byte, error) {
	if l.Len() < packFrom {
		body, _, err := object.Of(ledgerForm, name, l.All())
		return body, err
	}
	head, packs, tail := l.Packed()
	body, _, err := object.Of(ledgerForm, name, func(yield func(any) bool) {
		_ = yieldAll(head, yield) && yieldAll(packs, yield) && yieldAll(tail, yield)
	})
	return body, err
}

func yieldAll[T any](all iter.Seq[T], yield func(any) bool) bool {
	for v := range all {
		if !yield(v) {
			return false
		}
	}
	return true
}
