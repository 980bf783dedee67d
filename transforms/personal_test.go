package transforms

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// Three personal values that no output may show.
const (
	plantedName    = "Ana Pérez-Quiroga"
	plantedNumber  = "+54 9 11 5550-1234"
	plantedAddress = "ana.quiroga@example.com"
)

var planted = []string{plantedName, plantedNumber, plantedAddress}

// standIn is what the test's policy puts in the place of a value. It needs escapes in JSON and quotes in CSV.
func standIn(kind pipeline.Personal, text string) string {
	h := fnv.New64a()
	h.Write([]byte(text))
	return fmt.Sprintf(`"%d\%x`, kind, h.Sum64())
}

var replacing = pipeline.Policy{Replace: func(dst, text []byte, kind pipeline.Personal, _ bool) ([]byte, bool) {
	return append(dst, standIn(kind, string(text))...), true
}}

var dropping = pipeline.Policy{Replace: func(dst, text []byte, kind pipeline.Personal, required bool) ([]byte, bool) {
	if required {
		return append(dst, standIn(kind, string(text))...), true
	}
	return dst, false
}}

// unchanged replaces each value by itself: only the texts of rejects differ from what the zero policy gives.
var unchanged = pipeline.Policy{Replace: func(dst, text []byte, _ pipeline.Personal, _ bool) ([]byte, bool) {
	return append(dst, text...), true
}}

// personalMapping has each way in which a personal value can come to an exit.
func personalMapping() Mapping {
	const (
		id = iota
		start
		rang
		zone
		kind
		note
		owner
	)
	text, rangAt := pipeline.Events.Index("text"), pipeline.Events.Index("rang_at")
	return Mapping{
		Table: pipeline.Events,
		Fields: []Field{
			id:    {Source: "id", Column: "event_id"},
			start: {Source: "started", Conv: Custom},
			rang:  {Source: "rang", Conv: Custom},
			zone:  {Source: "zone", Conv: Zone},
			kind:  {Source: "kind", Column: "kind", Conv: Lower},
			note:  {Source: "note"},
			owner: {Source: "owner", Column: "resource_name"},
			{Source: "who", Column: "agent_name"},
			{Source: "mail", Column: "resource_email", Conv: Lower},
			{Source: "phone", Column: "customer_address"},
			{Source: "talk", Column: "talk_seconds", Conv: Minutes},
			{Source: "label", Column: "status"},
			{Source: "tags", Column: "tags", Conv: Tags},
			{Source: "state"},
		},
		Keys: []string{"id", "started"},
		Last: "zone",
		Row: func(r *Row) {
			times := r.Times(zone, start, rang)
			if times == nil {
				return
			}
			r.At(times[0])
			r.SetInstant(rangAt, times[1])
			switch string(r.Raw(kind)) {
			case "note":
				if said := r.Raw(note); said != nil {
					r.SetFrom(text, note, said)
					r.Skip(note)
				}
			case "queue":
				r.NotPersonal(owner)
			}
		},
		Personal: map[string]pipeline.Personal{
			"who": pipeline.PersonalName, "owner": pipeline.PersonalName, "phone": pipeline.PersonalPhone,
			"note": pipeline.PersonalText, "memo": pipeline.PersonalText,
		},
		Harmless: []string{"device"},
	}
}

// personalRows are rows of personalMapping; in the last two nothing may be loaded.
var personalRows = []map[string]string{
	{"id": "1", "started": "2025-09-08 10:00:00", "kind": "call", "who": plantedName, "owner": plantedName, "mail": plantedAddress, "phone": plantedNumber,
		"talk": "1.5", "label": "missed", "tags": "a,b", "state": "on duty", "device": "web", "note": "call " + plantedName, "memo": "for " + plantedNumber},
	{"id": "2", "started": "2025-09-08 10:00:01", "kind": "note", "note": "write to " + plantedAddress, "talk": plantedNumber, "rang": plantedName,
		"new": plantedName, "newer": plantedAddress, "newest": "5" + plantedNumber},
	{"id": "3", "started": "2025-09-08 10:00:02", "kind": "queue", "owner": "Sales", "device": "deskphone", "label": "answered"},
	{"id": "4", "started": plantedNumber, "kind": "call", "who": plantedName, "new": plantedAddress},
	{"started": "2025-09-08 10:00:02", "kind": "call", "who": plantedName, "mail": plantedAddress, "phone": plantedNumber},
}

func personalFields() []string {
	all := make(map[string]bool)
	for _, row := range personalRows {
		for name := range row {
			all[name] = true
		}
	}
	all["zone"] = true
	return slices.Sorted(maps.Keys(all))
}

func personalCSV(end string) string {
	var b strings.Builder
	b.WriteString(strings.Join(personalFields(), ",") + "\n")
	for _, row := range personalRows {
		for i, name := range personalFields() {
			if i > 0 {
				b.WriteByte(',')
			}
			if row[name] != "" {
				b.WriteString(`"` + row[name] + `"`)
			}
		}
		b.WriteByte('\n')
	}
	return b.String() + end
}

// personalJSON writes the rows; the last field that no mapping names holds the value that wrap makes of it.
func personalJSON(t *testing.T, wrap func(string) any) string {
	t.Helper()
	rows := make([]string, len(personalRows))
	for i, row := range personalRows {
		values := make(map[string]any)
		for name, v := range row {
			values[name] = v
			if name == "new" {
				values[name] = wrap(v)
			}
		}
		b, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		rows[i] = strings.ReplaceAll(string(b), "é", `\u00e9`)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

func flat(v string) any { return v }

func nested(v string) any {
	return map[string]any{"n": 1, "list": []any{v, nil, true, map[string]any{"deep": "so " + v, "n": -2.5}, ""}}
}

func TestNoPersonalValueLeavesAFormat(t *testing.T) {
	envelope := JSONOptions{Rows: "rows"}
	for _, tt := range []struct {
		name     string
		format   func(pipeline.Policy) pipeline.Format
		document string
	}{
		{"CSV", func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p) }, personalCSV("")},
		{"CSV with a row of too few cells", func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p) },
			strings.Replace(personalCSV(""), "\n", "\n6,"+plantedName+","+plantedNumber+"\n", 1)},
		{"CSV, the lenient reading", func(p pipeline.Policy) pipeline.Format { return NewCSV(personalMapping(), p).Lenient() },
			strings.Replace(personalCSV(""), "\n", "\n7,"+plantedName+`,"`+plantedAddress+`" stray`+"\n", 1)},
		{"JSON", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) }, personalJSON(t, flat)},
		{"JSON with nested values", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) }, personalJSON(t, nested)},
		{"JSON, the lenient reading", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p).Lenient() },
			personalJSON(t, nested)},
		{"JSON with members around the rows", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), envelope, p) },
			`{"rows":` + personalJSON(t, flat) + `,"mail":"` + plantedAddress + `","asked by":"` + plantedName + `","all":{"of":["` + plantedNumber + `"]}}`},
		{"JSON with a value in place of a row", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) },
			strings.Replace(personalJSON(t, flat), "[", `["`+plantedName+`",`, 1)},
		{"JSON with a member twice", func(p pipeline.Policy) pipeline.Format { return NewJSON(personalMapping(), JSONOptions{}, p) },
			strings.Replace(personalJSON(t, flat), "[", `[{"id":"8","x":"`+plantedName+`","x":"`+plantedNumber+`"},`, 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept := mustLoad(t, tt.format(pipeline.Policy{}), tt.document)
			if n := len(kept.rejects); n < 2 || len(kept.rows) != 3 {
				t.Fatalf("%d rows, rejects %v: the test needs both", len(kept.rows), kept.rejects)
			}
			for _, exit := range []struct{ name, text string }{
				{"columns", columnText(kept)}, {"extras", extrasText(t, kept)}, {"rejects", rejectText(kept)},
			} {
				for _, v := range planted {
					if !strings.Contains(exit.text, v) {
						t.Errorf("without a policy %s do not show %q: the test would prove nothing", exit.name, v)
					}
				}
			}
			for name, p := range map[string]pipeline.Policy{"replaced": replacing, "dropped": dropping} {
				got := mustLoad(t, tt.format(p), tt.document)
				all := columnText(got) + extrasText(t, got) + rejectText(got)
				for _, v := range planted {
					if strings.Contains(all, v) {
						t.Errorf("%s, but %q leaves: %s", name, v, all)
					}
				}
				checkTheRest(t, kept, got)
			}
			checkReplaced(t, kept, mustLoad(t, tt.format(replacing), tt.document))
			checkUnchanged(t, tt.format, tt.document)
		})
	}
}

// checkTheRest compares what is not personal with the reading that keeps everything.
func checkTheRest(t *testing.T, kept, got loaded) {
	t.Helper()
	if fmt.Sprint(got.times) != fmt.Sprint(kept.times) || len(got.rows) != len(kept.rows) || len(got.rejects) != len(kept.rejects) {
		t.Fatalf("other rows: %v\nwant %v", got, kept)
	}
	for i, row := range kept.rows {
		for _, name := range []string{"event_id", "started_at", "rang_at", "timezone", "kind", "status", "tags", "talk_seconds"} {
			if got.rows[i][name] != row[name] {
				t.Errorf("row %d: %s is %q, was %q", i, name, got.rows[i][name], row[name])
			}
		}
		for _, name := range []string{"state", "device"} {
			if was, is := members(t, row)[name], members(t, got.rows[i])[name]; was != is {
				t.Errorf("row %d: %s is %v in extras, was %v", i, name, is, was)
			}
		}
	}
	if got.rows[2]["resource_name"] != "Sales" {
		t.Errorf("the queue is called %q", got.rows[2]["resource_name"])
	}
	for i, r := range kept.rejects {
		if r.Raw = ""; got.rejects[i] != r {
			t.Errorf("reject %+v, want %+v", got.rejects[i], r)
		}
	}
}

// checkReplaced compares personal columns and members with what stands for their values.
func checkReplaced(t *testing.T, kept, got loaded) {
	t.Helper()
	for i, row := range kept.rows {
		for name, kind := range map[string]pipeline.Personal{
			"agent_name": pipeline.PersonalName, "resource_email": pipeline.PersonalEmail, "customer_address": pipeline.PersonalPhone, "text": pipeline.PersonalText,
		} {
			want, ok := row[name], row[name] != ""
			if ok {
				want = standIn(kind, want)
			}
			if got.rows[i][name] != want {
				t.Errorf("row %d: %s is %q, want %q", i, name, got.rows[i][name], want)
			}
		}
		was, is := members(t, row), members(t, got.rows[i])
		if len(was) != len(is) {
			t.Errorf("row %d: extras %v, were %v", i, is, was)
		}
		for name, kind := range map[string]pipeline.Personal{
			"note": pipeline.PersonalText, "memo": pipeline.PersonalText,
			"talk": pipeline.PersonalUnlisted, "rang": pipeline.PersonalUnlisted, "newer": pipeline.PersonalUnlisted,
		} {
			if v, ok := was[name].(string); ok && is[name] != standIn(kind, v) {
				t.Errorf("row %d: %s is %v in extras, want %v", i, name, is[name], standIn(kind, v))
			}
		}
		if fmt.Sprint(got.hashes[i]) == fmt.Sprint(kept.hashes[i]) && i < 2 {
			t.Errorf("row %d: the fingerprint is that of values that are not stored", i)
		}
	}
}

// checkUnchanged compares the two ways of writing a row: with and without asking a policy.
func checkUnchanged(t *testing.T, format func(pipeline.Policy) pipeline.Format, document string) {
	t.Helper()
	kept, keptErr := load(t, format(pipeline.Policy{}), &testMeta, strings.NewReader(document), 1<<20)
	got, err := load(t, format(unchanged), &testMeta, strings.NewReader(document), 1<<20)
	for i := range kept.rejects {
		kept.rejects[i].Raw = ""
	}
	if fmt.Sprint(got, err) != fmt.Sprint(kept, keptErr) {
		t.Errorf("%q\nread   %v, %v\nwanted %v, %v", document, got, err, kept, keptErr)
	}
}

func mustLoad(t *testing.T, f pipeline.Format, document string) loaded {
	t.Helper()
	got, err := load(t, f, &testMeta, strings.NewReader(document), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func columnText(l loaded) string {
	var b strings.Builder
	for _, row := range l.rows {
		for name, v := range row {
			if name != "extras" {
				b.WriteString(v + "\n")
			}
		}
	}
	return b.String()
}

func rejectText(l loaded) string {
	var b strings.Builder
	for _, r := range l.rejects {
		b.WriteString(r.Reason + "\n" + strings.ReplaceAll(r.Raw, `\u00e9`, "é") + "\n")
	}
	return b.String()
}

// A vendor may sort values by whom they are of. Such names are not kept either; dates, ids and words are.
func TestANameThatIsAPersonsAddressIsReplacedToo(t *testing.T) {
	for name, want := range map[string]bool{
		plantedNumber: true, plantedAddress: true, "+5491155501234": true, "5491155501234": true, "(011) 5550-1234": true, " 091 234 567": true, "@ana": true,
		"": false, "calls": false, "2025-09-08": false, "20250908": false, "2025-09": false, "2025-09-08 10:00:00": false, "08:00-09:00": false, "6529000000000101": false, "1234567": false,
		"+10": false, "calls 20250908": false, "_1234567890": false, "d4d967c8e4b6f2a1": false, "10.5": false,
	} {
		if isAddressee(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	document := `[{"id":"1","started":"2025-09-08 10:00:00","kind":"call","zone":"UTC","` + plantedNumber + `":3,"by":{"` + plantedAddress + `":{"n":3},"day 1":4}}]`
	for _, tt := range []struct {
		policy pipeline.Policy
		want   string
	}{
		{pipeline.Policy{}, `{"` + plantedNumber + `":3,"by":{"` + plantedAddress + `":{"n":3},"day 1":4}}`},
		{again(dropping, true), `{"by":{"":null,"day 1":4}}`},
	} {
		got, err := load(t, NewJSON(personalMapping(), JSONOptions{}, tt.policy), &testMeta, strings.NewReader(document), 1<<20)
		if err != nil || len(got.rows) != 1 || !strings.Contains(got.rows[0]["extras"], strings.Trim(tt.want, "{}")) {
			t.Errorf("%v, %v, want %s", got.rows, err, tt.want)
		}
	}
}

// members reads a row's extras.
func members(t *testing.T, row map[string]string) map[string]any {
	t.Helper()
	m := make(map[string]any)
	if row["extras"] == "" {
		return m
	}
	if err := json.Unmarshal([]byte(row["extras"]), &m); err != nil {
		t.Fatalf("extras %s: %v", row["extras"], err)
	}
	return m
}

// extrasText is what extras show once their escapes are undone.
func extrasText(t *testing.T, l loaded) string {
	t.Helper()
	var b strings.Builder
	for _, row := range l.rows {
		fmt.Fprintln(&b, row["extras"], members(t, row))
	}
	return b.String()
}
