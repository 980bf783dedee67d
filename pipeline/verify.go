package pipeline

import "fmt"

// tally counts where the rows of one body lie relative to the asked days.
type tally struct {
	days                  *AskedDays
	before, inside, after int64
	first, last           int64 // rows on the asked day at either end
	undated               int64
}

func (t *tally) count(times []Instant) {
	if t.days == nil {
		return
	}
	for _, at := range times {
		switch {
		case at == NoInstant:
			t.undated++
		case at < t.days.Span.Start:
			t.before++
		case at >= t.days.Span.End:
			t.after++
		default:
			t.inside++
			if t.days.First.Has(at) {
				t.first++
			}
			if t.days.Last.Has(at) {
				t.last++
			}
		}
	}
}

// add counts what another tally has counted.
func (t *tally) add(o tally) {
	t.before += o.before
	t.inside += o.inside
	t.after += o.after
	t.first += o.first
	t.last += o.last
	t.undated += o.undated
}

// verify condemns a report whose rows are not of the asked days. The vendor
// caches reports by "days ago": a file asked for before local midnight answers
// the same question after it, with the days of yesterday's question.
func (t *tally) verify() error {
	if t.days == nil {
		return nil
	}
	outside := t.before + t.after
	switch {
	case 2*outside > outside+t.inside:
		return staleReport("%d of %d rows lie outside the asked days", outside, outside+t.inside)
	case t.before > 0 && t.last == 0:
		return staleReport("%d rows lie before the asked days and the last asked day has none", t.before)
	case t.after > 0 && t.first == 0:
		return staleReport("%d rows lie after the asked days and the first asked day has none", t.after)
	case t.days.EdgesMustHaveRows && (t.first == 0 || t.last == 0):
		return staleReport("the vendor answered from its cache shortly after local midnight and an asked day at an end has no row")
	}
	return nil
}

func staleReport(format string, args ...any) error {
	return &Error{
		Op: "read report", Kind: Mismatch, Err: fmt.Errorf(format, args...),
		Hint: "probably a cached report of other days; the windows stay open, and a sync after the vendor's cache of 3 hours has run out reads them",
	}
}
