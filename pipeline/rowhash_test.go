package pipeline

import "testing"

// eventBatch builds a batch of calls from (id, status, tags, seconds).
func eventBatch(t *testing.T, rows ...eventRow) *Batch {
	t.Helper()
	b := NewBatch(Events)
	for _, r := range rows {
		b.String(Events.Index("kind"), "call")
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
	if err := b.finish(); err != nil {
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
			for _, name := range []string{"resource_type", "resource_id", "channel"} {
				b.String(Activity.Index(name), "x")
			}
			b.Instant(Activity.Index("interval_start"), day(8))
			b.Instant(Activity.Index("interval_end"), day(9))
			b.Int(Activity.Index(c.Name), int64(i))
			b.EndRow(day(8), Hash{})
			if err := b.finish(); err != nil {
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

func TestAFormatThatLeavesAKeyOutIsCaught(t *testing.T) {
	b := NewBatch(Events)
	defer b.Release()
	b.String(Events.Index("kind"), "call")
	b.EndRow(day(8), Hash{})
	if _, err := b.Columns(); err == nil {
		t.Fatal("a row without event_id passed")
	}
}
