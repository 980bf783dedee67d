package ucontact

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/windrow-data/windrow/pipeline"
)

func TestDateTextsOfAllTheVendorsJavasAreRead(t *testing.T) {
	at := func(h, m, s int) pipeline.LocalTime {
		return pipeline.LocalTime{Year: 2025, Month: 9, Day: 8, Hour: h, Min: m, Sec: s}
	}
	tests := []struct {
		name, text string
		want       pipeline.LocalTime
		ok         bool
	}{
		{"the vendor's sample", "Sep 8, 2025, 9:00:00 AM", at(9, 0, 0), true},
		{"Java 8: no comma after the year", "Sep 8, 2025 9:00:00 AM", at(9, 0, 0), true},
		{"Java 20: a narrow no-break space", "Sep 8, 2025, 9:00:00\u202fPM", at(21, 0, 0), true},
		{"no-break spaces everywhere", "Sep\u00a08,\u00a02025,\u00a09:00:00\u00a0PM", at(21, 0, 0), true},
		{"any run of blanks", "  Sep \t8,\u2003 2025 ,9:05:07  pm ", pipeline.LocalTime{}, false},
		{"runs of blanks", "\u3000Sep \t8,\u2003 2025,\n9:05:07  pm ", at(21, 5, 7), true},
		{"lower case", "sep 8, 2025, 9:00:00 am", at(9, 0, 0), true},
		{"upper case", "SEP 8, 2025, 9:00:00 AM", at(9, 0, 0), true},
		{"two digits", "Sep 08, 2025, 09:00:00 AM", at(9, 0, 0), true},
		{"the month in full", "September 8, 2025, 9:00:00 AM", at(9, 0, 0), true},
		{"four letters", "Sept 8, 2025, 9:00:00 AM", at(9, 0, 0), true},
		{"midnight", "Sep 8, 2025, 12:00:00 AM", at(0, 0, 0), true},
		{"noon", "Sep 8, 2025, 12:00:00 PM", at(12, 0, 0), true},
		{"no comma after the day", "Sep 8 2025 9:00:00 AM", at(9, 0, 0), true},
		{"no blank before AM", "Sep 8, 2025, 9:00:00AM", at(9, 0, 0), true},
		{"a leap day", "Feb 29, 2024, 9:00:00 AM", pipeline.LocalTime{Year: 2024, Month: 2, Day: 29, Hour: 9}, true},
		{"no leap day", "Feb 29, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"nothing", "", pipeline.LocalTime{}, false},
		{"another language", "sept. 8, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"two letters", "Se 8, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"a letter too many", "Septembery 8, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"24 hours", "Sep 8, 2025, 21:00:00", pipeline.LocalTime{}, false},
		{"hour 0", "Sep 8, 2025, 0:00:00 AM", pipeline.LocalTime{}, false},
		{"hour 13", "Sep 8, 2025, 13:00:00 PM", pipeline.LocalTime{}, false},
		{"minute 60", "Sep 8, 2025, 9:60:00 AM", pipeline.LocalTime{}, false},
		{"no AM", "Sep 8, 2025, 9:00:00", pipeline.LocalTime{}, false},
		{"a zone behind it", "Sep 8, 2025, 9:00:00 AM UTC", pipeline.LocalTime{}, false},
		{"day 0", "Sep 0, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"day 31 of September", "Sep 31, 2025, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"year 0", "Sep 8, 0000, 9:00:00 AM", pipeline.LocalTime{}, false},
		{"no seconds", "Sep 8, 2025, 9:00 AM", pipeline.LocalTime{}, false},
		{"parts that run together", "Sep8,2025,9:00:00AM", pipeline.LocalTime{}, false},
		{"bytes that are not UTF-8", "Sep 8, 2025, 9:00:00\xffAM", pipeline.LocalTime{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := parseDate([]byte(tt.text)); got != tt.want || ok != tt.ok {
				t.Errorf("%q is %+v, %v; want %+v, %v", tt.text, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestReadingADateAllocatesNothing(t *testing.T) {
	text := []byte("Sep 8, 2025, 9:00:00\u202fPM")
	if n := testing.AllocsPerRun(100, func() { parseDate(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

const javaDate = "Jan 2, 2006, 3:04:05 PM"

// FuzzDateText compares with the standard library on the same text with plain
// blanks and capitals, which is all that it reads.
func FuzzDateText(f *testing.F) {
	for _, s := range []string{
		"Sep 8, 2025, 9:00:00 AM", "Sep 8, 2025 9:00:00 AM", "sep 8, 2025, 9:00:00\u202fpm", "Feb 29, 2023, 12:59:59\u00a0PM",
		"December 31, 9999, 11:59:59 PM", "May 1 2025 1:01:01 am", "Nov 2, 2025, 13:00:00 PM", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, ok := parseDate([]byte(s))
		plain := strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
		for _, layout := range []string{javaDate, strings.Replace(javaDate, "2006,", "2006", 1)} {
			// What the vendor's Java would have printed must be read.
			std, err := time.Parse(layout, strings.NewReplacer("am", "AM", "pm", "PM").Replace(plain))
			if err == nil && std.Year() > 0 && strings.EqualFold(std.Format(layout), plain) && !ok {
				t.Fatalf("%q is refused; the standard library reads %s", s, std)
			}
			if err == nil && ok && wallOf(std) != w {
				t.Fatalf("%q is %+v; the standard library reads %s", s, w, std)
			}
		}
		if !ok {
			return
		}
		// What was read is a time that exists, and the vendor's form of it reads the same.
		std := time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Min, w.Sec, 0, time.UTC)
		if wallOf(std) != w {
			t.Fatalf("%q is %+v, which no calendar shows", s, w)
		}
		if again, ok := parseDate([]byte(std.Format(javaDate))); !ok || again != w {
			t.Fatalf("%q is %+v, but its own form %q is %+v", s, w, std.Format(javaDate), again)
		}
	})
}

func wallOf(t time.Time) pipeline.LocalTime {
	return pipeline.LocalTime{Year: t.Year(), Month: int(t.Month()), Day: t.Day(), Hour: t.Hour(), Min: t.Minute(), Sec: t.Second()}
}
