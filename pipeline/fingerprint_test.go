package pipeline

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// eventBatch builds a batch of calls from (id, status, tags, seconds).
func eventBatch(t *testing.T, rows ...eventRow) *Batch {
	t.Helper()
	b := NewBatch(Events)
	for _, r := range rows {
		b.String(Events.Index("kind"), "call")
		b.String(Events.Index("timezone"), "UTC")
		b.String(Events.Index("event_id"), r.id)
		if r.status != "" {
			b.String(Events.Index("status"), r.status)
		}
		if r.tags != nil {
			b.Tags(Events.Index("tags"))
			for _, tag := range r.tags {
				b.Tag(Events.Index("tags"), []byte(tag))
			}
		}
		if r.talk != 0 {
			b.Float(Events.Index("talk_seconds"), r.talk)
		}
		if r.at != NoInstant {
			b.Instant(Events.Index("started_at"), r.at)
		}
		b.EndRow(r.at, FieldHash(NameSeed("device"), []byte(r.device)))
	}
	return b
}

type eventRow struct {
	id, status string
	tags       []string
	talk       float64
	at         Instant
	device     string
}

func printOf(t *testing.T, rows ...eventRow) Hash {
	t.Helper()
	b := eventBatch(t, rows...)
	defer b.Release()
	if err := b.Finish(); err != nil {
		t.Fatal(err)
	}
	var sum Hash
	for _, h := range newRowHasher(Events).rows(b) {
		sum = sum.Add(h)
	}
	return sum
}

func TestPromise06_TheFingerprintIsOfTheRowsNotOfTheirOrder(t *testing.T) {
	one := eventRow{id: "1", status: "missed", tags: []string{"a", "b"}, talk: 3, at: day(8), device: "web"}
	two := eventRow{id: "2", status: "incoming", talk: 4, at: day(8)}
	base := printOf(t, one, two)
	if base != printOf(t, two, one) {
		t.Error("the order of the rows changed the fingerprint")
	}
	change := func(f func(*eventRow)) eventRow { r := one; f(&r); return r }
	for name, other := range map[string]Hash{
		"a value":                     printOf(t, change(func(r *eventRow) { r.talk = 5 }), two),
		"a value that became null":    printOf(t, change(func(r *eventRow) { r.status = "" }), two),
		"an item that moved in a tag": printOf(t, change(func(r *eventRow) { r.tags = []string{"ab"} }), two),
		"an extra":                    printOf(t, change(func(r *eventRow) { r.device = "android" }), two),
		"a row twice":                 printOf(t, one, one, two),
		"a row less":                  printOf(t, one),
		"two rows that swap a value":  printOf(t, change(func(r *eventRow) { r.talk = 4 }), eventRow{id: "2", status: "incoming", talk: 3, at: day(8)}),
		"a pair that XOR would lose":  printOf(t, one, two, one, one),
	} {
		if other == base {
			t.Errorf("%s left the fingerprint as it was", name)
		}
	}
}

func TestPromise06_ASnapshotColumnIsNoChange(t *testing.T) {
	for _, c := range Activity.Columns {
		if c.Unit != "count" {
			continue
		}
		var prints [2]Hash
		for i := range prints {
			b := NewBatch(Activity)
			for _, name := range []string{"resource_type", "resource_id", "channel", "timezone"} {
				b.String(Activity.Index(name), "x")
			}
			b.Instant(Activity.Index("interval_start"), day(8))
			b.Instant(Activity.Index("interval_end"), day(9))
			b.Int(Activity.Index(c.Name), int64(i))
			b.EndRow(day(8), Hash{})
			if err := b.Finish(); err != nil {
				t.Fatal(err)
			}
			prints[i] = newRowHasher(Activity).rows(b)[0]
			b.Release()
		}
		if changed := prints[0] != prints[1]; changed == (c.Aggregation == Snapshot) {
			t.Errorf("%s (%s): another value changes the fingerprint: %v", c.Name, c.Aggregation, changed)
		}
	}
}

func TestAStringHashesTheSameInADictionaryAsOnItsOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	seed := NameSeed("status")
	plain, repeating := columnOf(stringType), newColumn(Column{Type: stringType})
	if repeating.dictionary == nil {
		t.Fatal("a column that repeats has no dictionary")
	}
	for round := range 30 { // the columns' memory is used again, as a batch's is
		plain.reset()
		repeating.reset()
		rows := 1 + rng.IntN(600)
		before, want := make([]Hash, rows), make([]Hash, rows)
		for i := range rows {
			before[i] = FieldHash(NameSeed("extra"), []byte{byte(i)})
			want[i] = before[i]
			if rng.IntN(4) == 0 {
				plain.addNulls(1)
				repeating.addNulls(1)
				continue
			}
			text := strings.Repeat("ñ", rng.IntN(4)) + strings.Repeat("x", rng.IntN(1+round)) // also the empty string
			plain.addString(text)
			repeating.addString(text)
			want[i] = want[i].Add(FieldHash(seed, []byte(text)))
		}
		if repeating.nulls < rows && repeating.dictionary.values.rows == 0 {
			t.Fatal("the dictionary is empty")
		}
		for name, c := range map[string]*column{"on its own": plain, "in a dictionary": repeating} {
			got := append([]Hash(nil), before...)
			addColumn(got, c, seed)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("round %d: %s row %d hashes to %v, not %v", round, name, i, got[i], want[i])
				}
			}
		}
	}
}

func TestTheHashOfARowIsTheSumOfItsStrings(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 13))
	texts := map[string]string{}
	for range 100 {
		clear(texts)
		b := NewBatch(Events)
		var want Hash
		for i, c := range Events.Columns {
			if c.Engine || c.Type != stringType || c.Name == "extras" || c.Nullable && rng.IntN(2) == 0 {
				continue
			}
			texts[c.Name] = []string{"", "voice", "ñ"}[rng.IntN(3)]
			b.String(i, texts[c.Name])
			want = want.Add(FieldHash(NameSeed(c.Name), []byte(texts[c.Name])))
		}
		b.EndRow(NoInstant, Hash{})
		if err := b.Finish(); err != nil {
			t.Fatal(err)
		}
		if got := newRowHasher(Events).rows(b)[0]; got != want.mix() {
			t.Fatalf("%v hash to %v, not %v", texts, got, want.mix())
		}
		b.Release()
	}
}

func TestAFormatThatLeavesAKeyOutIsCaught(t *testing.T) {
	b := NewBatch(Events)
	defer b.Release()
	b.String(Events.Index("kind"), "call")
	b.String(Events.Index("timezone"), "UTC")
	b.EndRow(day(8), Hash{})
	if _, err := b.Columns(); err == nil {
		t.Fatal("a row without event_id passed")
	}
}

func day(n int) Instant { return InstantOf(time.Date(2025, 9, n, 6, 0, 0, 0, time.UTC)) }
