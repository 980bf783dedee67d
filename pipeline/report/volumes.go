package report

import (
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// leastMedian is the median below which a day's difference says nothing.
const leastMedian = 10

// volume is the rows of a stream by local day, of windows that lie within one. A day of a shorter window counts once all of
// it is covered.
func (b *Builder) volume(k pipeline.StreamKey, l *pipeline.Ledger) Volume {
	v := Volume{Stream: k.Stream, Account: k.Account, Days: []Day{}, Odd: []Day{}}
	rows, covered := make(map[string]int64), make(map[string]time.Duration)
	length := make(map[string]time.Duration)
	from := b.now.Add(-(volumeDays + 7*weeks + 2) * 24 * time.Hour)
	last := ""
	for e := range l.Windows(from) {
		start := local(e.Window)
		day := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
		next := day.AddDate(0, 0, 1)
		if e.Window.End > calendar.InstantOf(next) {
			continue // of several days: nobody knows on which its rows were
		}
		name := day.Format(time.DateOnly)
		rows[name] += e.Counts.Rows
		covered[name] += e.Window.Length()
		length[name] = next.Sub(day)
		last = max(last, name)
	}
	if last == "" {
		return v
	}
	end, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return v
	}
	for day := end.AddDate(0, 0, 1-volumeDays); !day.After(end); day = day.AddDate(0, 0, 1) {
		name := day.Format(time.DateOnly)
		d := Day{Date: name, Rows: rows[name], Known: covered[name] > 0 && covered[name] >= length[name]}
		var before []int64
		for week := 1; week <= weeks; week++ {
			if past := day.AddDate(0, 0, -7*week).Format(time.DateOnly); covered[past] > 0 && covered[past] >= length[past] {
				before = append(before, rows[past])
			}
		}
		if len(before) >= 3 {
			m := median(before)
			d.Median = &m
		}
		v.Days = append(v.Days, d)
		if d.Known && d.Median != nil && odd(float64(d.Rows), *d.Median) {
			v.Odd = append(v.Odd, d)
		}
	}
	slices.Reverse(v.Odd)
	first := slices.IndexFunc(v.Days, func(d Day) bool { return d.Known })
	v.Days = v.Days[max(first, 0):]
	return v
}

// odd reports whether a day has less than half or more than twice the rows of its median.
func odd(rows, median float64) bool {
	return median >= leastMedian && (rows < median/2 || rows > 2*median) || median < leastMedian && rows > 10*max(median, leastMedian)
}

func median(list []int64) float64 {
	slices.Sort(list)
	n := len(list)
	if n%2 == 1 {
		return float64(list[n/2])
	}
	return float64(list[n/2-1]+list[n/2]) / 2
}
