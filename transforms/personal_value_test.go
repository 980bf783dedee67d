package transforms

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestWhatStandsForAJSONValue(t *testing.T) {
	h := func(kind pipeline.Personal, text string) string {
		b, err := json.Marshal(standIn(kind, text))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	unlisted := func(text string) string { return h(pipeline.PersonalUnlisted, text) }
	for _, tt := range []struct{ name, members, replaced, dropped string }{
		{"numbers and literals of unlisted fields stay", `"a":1,"b":-1.50e3,"c":true,"d":[0,false]`, `"a":1,"b":-1.50e3,"c":true,"d":[0,false]`, `"a":1,"b":-1.50e3,"c":true,"d":[0,false]`},
		{"strings between numbers", `"a":1,"b":"x","c":2`, `"a":1,"b":` + unlisted("x") + `,"c":2`, `"a":1,"c":2`},
		{"escapes are undone first", `"a":"\u0041\"\/"`, `"a":` + unlisted(`A"/`), ``},
		{"names of members stay", `"a":{"x" : "y","z":[ "y" ]}`, `"a":{"x" : ` + unlisted("y") + `,"z":[ ` + unlisted("y") + ` ]}`, `"a":{"x" : null,"z":[ null ]}`},
		{"a declared field's numbers are personal", `"memo":5491155501234`, `"memo":` + h(pipeline.PersonalText, "5491155501234"), ``},
		{"so are those inside it", `"memo":[5491155501234,{"n":-1}]`, `"memo":[` + h(pipeline.PersonalText, "5491155501234") + `,{"n":` + h(pipeline.PersonalText, "-1") + `}]`, `"memo":[null,{"n":null}]`},
		{"blank strings inside stay", `"memo":[""," "]`, `"memo":[""," "]`, `"memo":[""," "]`},
		{"a harmless field stays", `"device":"x"`, `"device":"x"`, `"device":"x"`},
		{"but not an object in a field that has a text", `"state":{"x":"y"}`, `"state":{"x":` + unlisted("y") + `}`, `"state":{"x":null}`},
		{"nor one in a column's field", `"label":["y"]`, `"label":[` + unlisted("y") + `]`, `"label":[null]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []struct {
				policy pipeline.Policy
				want   string
			}{{replacing, tt.replaced}, {dropping, tt.dropped}} {
				document := `[{"id":"1","started":"2025-09-08 10:00:00","kind":"call",` + tt.members + `}]`
				got := mustLoad(t, NewJSON(personalMapping(), JSONOptions{}, c.policy), document)
				want := c.want
				if want != "" {
					want = "{" + want + "}"
				}
				if len(got.rows) != 1 || got.rows[0]["extras"] != want {
					t.Errorf("extras are %v\nwant %s", got.rows, want)
				}
			}
		})
	}
}

// A column of numbers may hold anything by mistake.
func TestD_AnUnreadableValueIsCountedUnderEachPolicyAndShownAsItsShapeAlone(t *testing.T) {
	m := Mapping{
		Table: pipeline.Activity, Keys: []string{"id"},
		Fields: []Field{{Source: "id", Column: "resource_id"}, {Source: "n", Column: "answered", Conv: Count}, {Source: "s", Column: "talk_seconds", Conv: Number}},
		Row: func(r *Row) {
			r.At(1)
			for _, name := range []string{"resource_type", "channel", "timezone"} {
				r.SetString(pipeline.Activity.Index(name), "all")
			}
			r.SetInstant(pipeline.Activity.Index("interval_start"), 1)
			r.SetInstant(pipeline.Activity.Index("interval_end"), 2)
		},
	}
	for name, p := range map[string]pipeline.Policy{"keep": {}, "hash": replacing, "drop": dropping} {
		for kind, f := range map[string]pipeline.Format{"CSV": NewCSV(m, p), "JSON": NewJSON(m, JSONOptions{}, p)} {
			doc := "id,n,s\n1,Ana Ruiz,3\n2,1.000,ana@example.com\n"
			if kind == "JSON" {
				doc = `[{"id":"1","n":"Ana Ruiz","s":3},{"id":"2","n":"1.000","s":"ana@example.com"}]`
			}
			b := pipeline.NewBatch(pipeline.Activity)
			for chunk, err := range f.Split(strings.NewReader(doc), 1<<20) {
				if err == nil {
					err = f.Decode(&pipeline.Meta{Request: pipeline.Request{Zone: "UTC"}}, chunk, b)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			tally := b.Tally([]pipeline.RowRange{{From: 0, To: b.Rows()}})
			if got := fmt.Sprint(tally.Unreadable()); got != "map[n:2 s:1]" || tally.Health[1].Shape != "aaa aaaa" || tally.Health[2].Shape != "aaa@aaaaaaa.aaa" {
				t.Errorf("%s, %s: %s, %+v", name, kind, got, tally.Health)
			}
			if text := fmt.Sprint(b.Columns()); name != "keep" && (strings.Contains(text, "Ana") || strings.Contains(text, "example.com")) || name == "keep" && !strings.Contains(text, "Ana Ruiz") {
				t.Errorf("%s, %s: the rows hold %s", name, kind, text)
			}
			b.Release()
		}
	}
}

func TestAKeyIsReplacedWhereOtherValuesAreDropped(t *testing.T) {
	m := personalMapping()
	m.Personal = map[string]pipeline.Personal{"id": pipeline.PersonalName}
	got := mustLoad(t, NewCSV(m, dropping), "id,started,kind\n"+plantedName+",2025-09-08 10:00:00,call\n")
	if want := standIn(pipeline.PersonalName, plantedName); len(got.rows) != 1 || got.rows[0]["event_id"] != want {
		t.Errorf("got %v, want the key %q", got.rows, want)
	}
}

func TestADayThatWasReadIsNotPersonal(t *testing.T) {
	resourceType, channel, id := pipeline.Activity.Index("resource_type"), pipeline.Activity.Index("channel"), pipeline.Activity.Index("resource_id")
	start, end := pipeline.Activity.Index("interval_start"), pipeline.Activity.Index("interval_end")
	f := NewCSV(Mapping{
		Table:  pipeline.Activity,
		Fields: []Field{{Source: "date", Conv: Custom}, {Source: "other", Conv: Custom}},
		Keys:   []string{"date"},
		Row: func(r *Row) {
			day, _ := r.LocalDay(-1, 0)
			r.Keep(1)
			r.SetString(resourceType, "user")
			r.SetString(channel, "voice")
			r.SetString(id, "1")
			r.SetInstant(start, day.Start)
			r.SetInstant(end, day.End)
		},
	}, replacing)
	got := mustLoad(t, f, "date,other\n2025-09-08 10:00:00,2025-09-08 10:00:00\n")
	want := map[string]any{"date": "2025-09-08 10:00:00", "other": standIn(pipeline.PersonalUnlisted, "2025-09-08 10:00:00")}
	if fmt.Sprint(members(t, got.rows[0])) != fmt.Sprint(want) {
		t.Errorf("extras %v, want %v", members(t, got.rows[0]), want)
	}
}

func TestAPersonalFieldThatFillsAColumnOfNumbersIsAMistake(t *testing.T) {
	m := personalMapping()
	m.Personal["talk"] = pipeline.PersonalPhone
	defer func() {
		if p := fmt.Sprint(recover()); !strings.Contains(p, "talk") {
			t.Errorf("got %s, want a panic that names the field", p)
		}
	}()
	NewCSV(m, pipeline.Policy{})
}

// Whatever a document looks like, a word of it that stands in a personal or an unlisted field leaves through no exit.
func TestNoWordOfARandomDocumentLeavesAFormat(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	names := []string{"who", "owner", "mail", "phone", "note", "memo", "new", "newer", "rang", "talk", "id\u00e9"}
	for range 300 {
		var rows, lines []string
		for range 1 + rng.IntN(4) {
			var row []string
			cells := []string{"1", "2025-09-08 10:00:00", "note", "", ""}
			for _, i := range rng.Perm(len(names))[:rng.IntN(len(names))] {
				row = append(row, fmt.Sprintf("%q:%s", names[i], randomJSON(rng, 0)))
			}
			for i := range 2 {
				cells[3+i] = []string{`"secret"`, "secret word", `"two ""secret"" words"`, "\"a\nsecret\"", `5" secret`, "secret,secret", ""}[rng.IntN(7)]
			}
			row = append(row, `"id":"1"`, `"kind":"note"`, []string{`"started":"2025-09-08 10:00:00"`, `"started":"secret"`, `"nothing":0`}[rng.IntN(3)])
			rows = append(rows, "{"+strings.Join(row, ",")+"}")
			lines = append(lines, strings.Join(cells, ","))
		}
		document := "[" + strings.Join(rows, ",") + "]"
		asJSON := func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) }
		checkNoSecret(t, asJSON(replacing), document)
		checkUnchanged(t, asJSON, document)

		document = "id,started,kind,who,new\n" + strings.Join(lines, "\n") + "\n"
		asCSV := func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p).Lenient() }
		checkNoSecret(t, asCSV(replacing), document)
		checkUnchanged(t, asCSV, document)
	}
}

func checkNoSecret(t *testing.T, f pipeline.Format, document string) {
	t.Helper()
	got, err := load(t, f, &testMeta, strings.NewReader(document), 1<<20)
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Fatalf("%q: the error tells a value: %v", document, err)
	}
	if all := columnText(got) + extrasText(t, got) + rejectText(got); strings.Contains(all, "secret") {
		t.Fatalf("%q leaves\n%s", document, all)
	}
}

func randomJSON(rng *rand.Rand, depth int) string {
	switch n := rng.IntN(9 - min(depth, 3)); n {
	case 0:
		return fmt.Sprint(rng.IntN(1000) - 500)
	case 1:
		return "true"
	case 2:
		return "null"
	case 3:
		return `"\u0073ecret \u00e9\"\\"`
	case 4, 5:
		return `"secret"`
	case 6:
		return `" "`
	case 7:
		return "[" + randomJSON(rng, depth+1) + " , " + randomJSON(rng, depth+1) + "]"
	default:
		return `{"a" :` + randomJSON(rng, depth+1) + `,"b\"": ` + randomJSON(rng, depth+1) + "}"
	}
}
