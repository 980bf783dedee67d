package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/report"
)

// cell is the distance of two days in a calendar, of which the last unit is a gap.
const cell = 9

// path is one state's share of a picture.
type path struct {
	State report.State
	D     string
}

// yearPicture is the picture of a stream's year: a column a week, from Monday down.
type yearPicture struct {
	Year   int
	Width  int
	Paths  []path
	Months string // the lines between months
	Ground string // the days of the year
	Label  string
	counts map[report.State]int
}

// years are the calendars of a stream, the newest first. Spans are cut into the local days that they touch; one that is
// shorter than a day has its share of the day's width.
func years(spans []report.Span) []yearPicture {
	drawn := make(map[int]map[report.State]*strings.Builder)
	counts := make(map[int]map[report.State]int)
	first, last := 9999, 0
	for _, s := range spans {
		loc := location(s.Zone)
		end := s.End.In(loc)
		for day := midnight(s.Start.In(loc)); day.Before(end); {
			run, days := day, 0 // days of one column that the span covers whole
			for {
				next := dayOf(run, 1)
				if pipeline.InstantOf(run) < s.Start || pipeline.InstantOf(next) > s.End || days > 0 && (run.Weekday() == time.Monday || run.Year() != day.Year()) {
					break
				}
				run, days = next, days+1
			}
			year := day.Year()
			first, last = min(first, year), max(last, year)
			if drawn[year] == nil {
				drawn[year], counts[year] = make(map[report.State]*strings.Builder), make(map[report.State]int)
			}
			if drawn[year][s.State] == nil {
				drawn[year][s.State] = new(strings.Builder)
			}
			x, y := place(day)
			if days > 0 {
				fmt.Fprintf(drawn[year][s.State], "M%d %dh%dv%dh-%dz", x, y, cell-1, days*cell-1, cell-1)
				counts[year][s.State] += days
				day = run
				continue
			}
			next := dayOf(day, 1)
			whole := next.Sub(day).Seconds()
			from := max(0, s.Start.In(loc).Sub(day).Seconds()/whole) * (cell - 1)
			to := min(1, end.Sub(day).Seconds()/whole) * (cell - 1)
			fmt.Fprintf(drawn[year][s.State], "M%s %dh%sv%dh-%sz", short(float64(x)+from), y, short(to-from), cell-1, short(to-from))
			counts[year][s.State]++
			day = next
		}
	}
	var list []yearPicture
	for year := last; year >= first; year-- {
		c := yearPicture{Year: year, Width: 54 * cell, Months: monthLines(year), Ground: ground(year), counts: counts[year]}
		var words []string
		for _, state := range report.States {
			if d := drawn[year][state]; d != nil {
				c.Paths = append(c.Paths, path{state, d.String()})
				words = append(words, fmt.Sprintf("%s on %s", state, pipeline.Counted(counts[year][state], "day")))
			}
		}
		c.Label = fmt.Sprintf("%d: %s", year, strings.Join(words, ", "))
		if len(words) > 0 {
			list = append(list, c)
		}
	}
	return list
}

// place is where a day stands in its year's calendar.
func place(day time.Time) (x, y int) {
	weekday := (int(day.Weekday()) + 6) % 7
	jan1 := time.Date(day.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	return (day.YearDay() - 1 + (int(jan1.Weekday())+6)%7) / 7 * cell, weekday * cell
}

// ground is the outline of a year's days.
func ground(year int) string {
	x0, y0 := place(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
	x1, y1 := place(time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC))
	return fmt.Sprintf("M%d %dH%dV0H%dV%dH%dV%dH%dz", x0, y0, x0+cell, x1+cell-1, y1+cell-1, x1, 7*cell-1, x0)
}

// monthLines are the borders of the months of a year.
func monthLines(year int) string {
	var d strings.Builder
	for month := time.February; month <= time.December; month++ {
		x, y := place(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
		if y == 0 {
			fmt.Fprintf(&d, "M%s 0v%d", short(float64(x)-0.5), 7*cell-1)
			continue
		}
		fmt.Fprintf(&d, "M%s %dV%sH%sV0", short(float64(x)-0.5), 7*cell-1, short(float64(y)-0.5), short(float64(x+cell)-0.5))
	}
	return d.String()
}

// strip is the picture of a stream's last days, one column each.
type strip struct {
	Paths []path
	Label string
	From  string // the local date of the first column
}

const (
	stripDays  = 90
	stripWidth = 2 // of a day
)

func stripOf(spans []report.Span, zone string, now pipeline.Instant) strip {
	loc := location(zone)
	end := dayOf(now.In(loc), 1)
	begin := dayOf(end, -stripDays)
	drawn, counts := make(map[report.State]*strings.Builder), make(map[report.State]int)
	for _, s := range spans {
		from, to := s.Start.In(loc), s.End.In(loc)
		if !to.After(begin) {
			continue
		}
		a, z := max(0, column(begin, from)), min(float64(stripDays), column(begin, to))
		if z <= a {
			continue
		}
		if drawn[s.State] == nil {
			drawn[s.State] = new(strings.Builder)
		}
		fmt.Fprintf(drawn[s.State], "M%s 0h%sv14h-%sz", short(a*stripWidth), short((z-a)*stripWidth), short((z-a)*stripWidth))
		counts[s.State] += int(z - a + 0.5)
	}
	st := strip{From: begin.Format(time.DateOnly)}
	var words []string
	for _, state := range report.States {
		if d := drawn[state]; d != nil {
			st.Paths = append(st.Paths, path{state, d.String()})
			words = append(words, fmt.Sprintf("%s %s", pipeline.Counted(counts[state], "day"), state))
		}
	}
	st.Label = "since " + st.From + ": " + strings.Join(words, ", ")
	return st
}

// column is how many local days lie between, in days of whatever length.
func column(begin, at time.Time) float64 {
	day := midnight(at)
	days := int(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC).Sub(time.Date(begin.Year(), begin.Month(), begin.Day(), 0, 0, 0, 0, time.UTC)).Hours() / 24)
	return float64(days) + at.Sub(day).Hours()/dayOf(day, 1).Sub(day).Hours()
}

// bars is the picture of a stream's rows by day, over their medians.
type bars struct {
	Usual, Odd, Median string // paths
	Width, Most        int64
	Label              string
}

const (
	barHeight = 40
	barWidth  = 5
)

func barsOf(v report.Volume) bars {
	b := bars{Width: int64(len(v.Days)) * barWidth, Most: 1}
	for _, d := range v.Days {
		b.Most = max(b.Most, d.Rows)
		if d.Median != nil {
			b.Most = max(b.Most, int64(*d.Median))
		}
	}
	odd := make(map[string]bool)
	for _, d := range v.Odd {
		odd[d.Date] = true
	}
	var usual, strange, line strings.Builder
	height := func(n float64) float64 { return n / float64(b.Most) * (barHeight - 2) }
	for i, d := range v.Days {
		x := i * barWidth
		if d.Known {
			into := &usual
			if odd[d.Date] {
				into = &strange
			}
			h := max(0.5, height(float64(d.Rows)))
			fmt.Fprintf(into, "M%d %sh%dv%sh-%dz", x, short(barHeight-h), barWidth-1, short(h), barWidth-1)
		}
		if d.Median != nil {
			fmt.Fprintf(&line, "M%d %sh%d", x, short(barHeight-height(*d.Median)), barWidth)
		}
	}
	b.Usual, b.Odd, b.Median = usual.String(), strange.String(), line.String()
	if n := len(v.Days); n > 0 {
		b.Label = fmt.Sprintf("rows by day from %s to %s, at most %d; %s far from their median", v.Days[0].Date, v.Days[n-1].Date, b.Most, pipeline.Counted(len(v.Odd), "day"))
	}
	return b
}

// week is a row of the table behind bars.
type week struct {
	Monday string
	Days   [7]string
}

func weeksOf(v report.Volume) []week {
	var list []week
	for _, d := range v.Days {
		day, err := time.Parse(time.DateOnly, d.Date)
		if err != nil {
			continue
		}
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7).Format(time.DateOnly)
		if n := len(list); n == 0 || list[n-1].Monday != monday {
			list = append(list, week{Monday: monday})
		}
		if d.Known {
			list[len(list)-1].Days[(int(day.Weekday())+6)%7] = thousands(d.Rows)
		}
	}
	return list
}

// runBars is the picture of the runs, the oldest at the left: how long each took, by how it ended.
type runBars struct {
	Good, Bad, Killed string
	Width             int
	Label             string
}

func runBarsOf(runs []report.Run) runBars {
	var good, bad, killed strings.Builder
	longest := time.Second
	for _, r := range runs {
		if r.FinishedAt != nil {
			longest = max(longest, r.FinishedAt.Sub(r.StartedAt))
		}
	}
	b := runBars{Width: len(runs) * 8}
	goods := 0
	for i, r := range runs {
		x := (len(runs) - 1 - i) * 8
		if r.FinishedAt == nil {
			fmt.Fprintf(&killed, "M%d 0h7v%dh-7z", x, barHeight)
			continue
		}
		h := max(2, float64(r.FinishedAt.Sub(r.StartedAt))/float64(longest)*barHeight)
		into := &bad
		if *r.Exit == 0 {
			into = &good
			goods++
		}
		fmt.Fprintf(into, "M%d %sh7v%sh-7z", x, short(barHeight-h), short(h))
	}
	b.Good, b.Bad, b.Killed = good.String(), bad.String(), killed.String()
	b.Label = fmt.Sprintf("%s, %d with exit code 0; the longest took %s", pipeline.Counted(len(runs), "run"), goods, longest.Round(time.Second))
	return b
}

func location(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		return time.UTC
	}
	return loc
}

// midnight is the first moment of t's local day, which is no midnight where the clocks leave it out.
func midnight(t time.Time) time.Time { return dayOf(t, 0) }

// dayOf is the first moment of the local day that is so many days after t's.
func dayOf(t time.Time, days int) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day()+days, 12, 0, 0, 0, time.UTC)
	first := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, t.Location())
	for first.Day() != day.Day() { // the clock's last hour before the gap
		first = first.Add(time.Hour)
	}
	return first
}

// short writes a number with two decimals at most.
func short(f float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 2, 64), "0"), ".")
}
