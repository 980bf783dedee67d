package contacts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/push"
)

// told reads one row, and holds it against what every row promises: it is a contact or a refusal, once; a contact is JSON
// in its one form, with normalised addresses, and a refusal holds no value.
func told(t *testing.T, o Options, rows *table) (contact string) {
	t.Helper()
	o.Now = today
	in, err := New(rows, o)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	err = in.Read(t.Context(), func(c push.Contact) error {
		told++
		contact = string(c.JSON)
		if !jsontext.Value(c.JSON).IsValid() || c.Data != nil && !jsontext.Value(c.Data).IsValid() {
			t.Errorf("no JSON: %s %s", c.JSON, c.Data)
		}
		if len(c.IDs) == 0 || slices.Contains(c.IDs, "") {
			t.Errorf("addresses %q", c.IDs)
		}
		return nil
	}, func(r push.Refusal) error {
		told++
		if r.Problem == "" || r.Remedy == "" || r.Column == "" {
			t.Errorf("%+v", r)
		}
		for _, cell := range r.Cells {
			if len(cell) > 12 && strings.Contains(r.Problem+r.Remedy, cell) && !slices.ContainsFunc(calendar.ZoneNames(), func(zone string) bool { return strings.Contains(zone, cell) }) {
				t.Errorf("%s; %s: holds a value", r.Problem, r.Remedy)
			}
		}
		return nil
	})
	if err != nil || told != len(rows.rows) {
		t.Errorf("%d of %d rows, %v", told, len(rows.rows), err)
	}
	return contact
}

func textRow(cells ...string) []push.Cell {
	row := make([]push.Cell, len(cells))
	for i, text := range cells {
		row[i] = push.TextOf(text)
	}
	return row
}

// A number that is sent is sent as it is again: E.164 of E.164 is the same.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"+1 (425) 671-5523", "091 234 567", "+59891234567;1567890", "00598 91234567", "[\"+1\"]", "+", "\uFF0B1425\u00A06715523", "5.9e10", "+0014256715523"} {
		f.Add(seed, "UY")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, text, country string) {
		if country != "" {
			country = "UY"
		}
		o := Options{HubType: Telephony, Delivery: push.Lists, Country: country}
		if told(t, o, &table{[]string{"clientIds"}, [][]push.Cell{textRow(text)}}) == "" {
			return
		}
		for one := range strings.SplitSeq(text, ";") {
			if sent, id, ok := number(strings.TrimSpace(one), country); ok {
				again, idAgain, ok := number(sent, country)
				if !ok || again != sent || idAgain != id {
					t.Errorf("%q is sent as %q (%s), and that as %q (%s, %v)", one, sent, id, again, idAgain, ok)
				}
			}
		}
	})
}

func FuzzEmails(f *testing.F) {
	for _, seed := range []string{"John.Smith@MyCompany.net", "a@b", "a b@c.de", "\"a\"@b.co", "é@ü.de", "a@b.co;", "<a@b.co>", "a@[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		told(t, lists(Email), &table{[]string{"clientId"}, [][]push.Cell{textRow(text)}})
		if isEmail(text) && (strings.ContainsAny(text, " \t\r\n<>,;:\"\\()[]\x00") || strings.Count(text, "@") != 1 || !isEmail(strings.ToLower(text))) {
			t.Errorf("%q passes", text)
		}
	})
}

// A date that is sent is a wall time that the zone's clock shows, at some instant that has not passed.
func FuzzSchedules(f *testing.F) {
	for _, seed := range []string{"2026-12-25 09:30:00", "2027-03-28 02:30:00", "2027-10-31 02:30:00", "2026-12-25T09:30:00Z", "2026-02-30 00:00:00", "9999-12-31 23:59:59", "0000-01-01 00:00:00", "2027-09-05 00:30:00"} {
		for _, zone := range []string{"Europe/Madrid", "America/Santiago", "Uruguay/Montevideo", ""} {
			f.Add(seed, zone)
		}
	}
	f.Fuzz(func(t *testing.T, text, zone string) {
		sent := told(t, leads(SMS), &table{[]string{"clientId", "timezone", "scheduleDate"}, [][]push.Cell{textRow("1567890", zone, text)}})
		if !strings.Contains(sent, "scheduleDate") {
			return
		}
		loc, err := time.LoadLocation(strings.TrimSpace(zone))
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation(scheduleLayout, strings.TrimSpace(text), loc)
		if err != nil || at.Format(scheduleLayout) != strings.TrimSpace(text) || at.Before(today()) && at.Add(4*time.Hour).Before(today()) {
			t.Errorf("%s passes in %s: %v %v", text, zone, at, err)
		}
	})
}

// Rows of every kind, some broken, some alike: each comes out once, in its order, and no address is accepted twice.
func TestEveryRowComesOutOnceAsAContactOrARefusal(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		rows := &table{columns: []string{"clientIds", "priority", "timezone", "scheduleDate", "data.x"}}
		for range 200 {
			pick := func(of ...string) string { return of[random.IntN(len(of))] }
			numbers := fmt.Sprintf("+598912%05d", random.IntN(300))
			if random.IntN(3) == 0 {
				numbers += fmt.Sprintf(";598912%05d", random.IntN(300))
			}
			rows.rows = append(rows.rows, textRow(pick(numbers, numbers, numbers, "", "nobody"), pick("", "5", "x"), pick("", "", "UTC", "nowhere"), pick("", "", "2027-01-01 00:00:00", "soon"), pick("", "\xff", "y")))
		}
		o := leads(Telephony)
		o.Now = today
		in, err := New(rows, o)
		if err != nil {
			t.Fatal(err)
		}
		next, contacts := 1, 0
		owner := make(map[string]int)
		err = in.Read(t.Context(), func(c push.Contact) error {
			if c.Row != next {
				t.Fatalf("row %d comes as the %d.", c.Row, next)
			}
			next++
			contacts++
			for _, id := range c.IDs {
				if first := owner[id]; first != 0 {
					t.Errorf("%s is accepted in rows %d and %d", id, first, c.Row)
				}
				owner[id] = c.Row
			}
			return nil
		}, func(r push.Refusal) error {
			if r.Row != next {
				t.Fatalf("row %d comes as the %d.", r.Row, next)
			}
			next++
			if r.DuplicateOf != 0 {
				shared := false
				for id := range strings.SplitSeq(r.Cells[0], ";") {
					shared = shared || owner[strings.TrimPrefix(id, "+")] == r.DuplicateOf
				}
				if !shared {
					t.Errorf("row %d shares no address with row %d", r.Row, r.DuplicateOf)
				}
			}
			return nil
		})
		if err != nil || next != 201 || contacts == 0 {
			t.Fatal(err, next, contacts)
		}
	}
}
