package pushledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	sink "github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/pushledger"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
)

type place struct{ server *bigquerytest.Server }

func (p place) Open(t testing.TB) push.Ledger {
	t.Helper()
	l, err := pushledger.Open(context.Background(), "bigquery://test-project/contact_centre?location=EU",
		sink.Options{MaxBytesBilled: 100 << 30, Pace: time.Millisecond, ClientOptions: p.server.Options()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Damage implements [pushtest.Damager].
func (p place) Damage(t testing.TB, _ push.Key, how pushtest.Harm) string {
	t.Helper()
	const table, first = `"test-project.contact_centre"."_windrow_push"`, "position = 1 AND item = 1"
	set := map[pushtest.Harm]string{
		pushtest.Cut: "change = substr(change, 1, 20)", pushtest.Flipped: "proof = proof + 1", pushtest.Newer: "format = 2", pushtest.Foreign: "key = '{}'",
	}[how]
	sql := fmt.Sprintf("UPDATE %s SET %s WHERE %s", table, set, first)
	if how == pushtest.Missing {
		sql = fmt.Sprintf("DELETE FROM %s WHERE %s", table, first)
	}
	if err := p.server.ExecDuckDB(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	return "position 1"
}

func newPlace(t testing.TB) place {
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return place{server}
}

func TestTheLedgerOfADatasetKeepsItsPromises(t *testing.T) {
	pushtest.Run(t, pushtest.Driver{New: func(t testing.TB) pushtest.Place { return newPlace(t) }, Writers: 3, Writes: 4})
}

var june = push.Key{Account: "mx", Hub: "Ventas", Delivery: push.Lists, Name: "June"}

func sending(id string) push.Change {
	e := push.NewHasher("k").Entry(push.Contact{IDs: []string{id}})
	return push.Change{State: push.Sending, Batch: "b-1", Contacts: []push.Entry{e}, At: time.Date(2026, 11, 26, 18, 0, 0, 0, time.UTC)}
}

// Rows that a policy hides would make everybody look new.
func TestALedgerWhoseRowsAreHiddenIsRefused(t *testing.T) {
	p := newPlace(t)
	if _, err := p.Open(t).Append(t.Context(), june, 0, sending("1")); err != nil {
		t.Fatal(err)
	}
	if err := p.server.FilterRows("test-project", "contact_centre", "_windrow_push", true); err != nil {
		t.Fatal(err)
	}
	l := p.Open(t)
	_, reading := l.Read(t.Context(), june, 0, func(push.Change) error { return nil })
	_, listing := l.Keys(t.Context())
	for what, err := range map[string]error{"reading": reading, "listing": listing} {
		if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "row access policies hide 1 of its 1 rows") || !strings.Contains(err.Error(), "DROP ALL ROW ACCESS POLICIES ON `test-project.contact_centre._windrow_push`") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := p.server.FilterRows("test-project", "contact_centre", "_windrow_push", false); err != nil {
		t.Fatal(err)
	}
	// Whoever may read and not write sees all.
	p.server.Inject(bigquerytest.Rule{Match: func(c bigquerytest.Call) bool { return c.Method == "jobs.insert" }, Times: -1, Fault: bigquerytest.Forbidden})
	if keys, err := p.Open(t).Keys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%v, %v", keys, err)
	}
}

// Without its table everybody would look new.
func TestALedgerThatVanishedAloneIsRefused(t *testing.T) {
	p := newPlace(t)
	at, err := p.Open(t).Append(t.Context(), june, 0, sending("1"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := bigquery.NewClient(t.Context(), "test-project", p.server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Dataset("contact_centre").Table("_windrow_push").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := p.Open(t)
	_, reading := l.Read(t.Context(), june, 0, func(push.Change) error { return nil })
	_, listing := l.Keys(t.Context())
	_, writing := l.Append(t.Context(), june, at, sending("2"))
	for what, err := range map[string]error{"reading": reading, "listing": listing, "writing": writing} {
		if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "the table _windrow_push is missing") || !strings.Contains(err.Error(), "bq cp contact_centre._windrow_push@-3600000") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := client.Dataset("contact_centre").Table("_windrow_push_turn").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(t).Append(t.Context(), june, 0, sending("2")); err != nil {
		t.Errorf("a new one: %v", err)
	}
}

// A log may have many megabytes, which must not lie in memory at once.
func TestALedgerIsReadInSmallAnswers(t *testing.T) {
	p := newPlace(t)
	l := p.Open(t)
	const positions = 3
	for n := range positions {
		c := sending(fmt.Sprint(n))
		for len(c.Contacts) < 5000 {
			c.Contacts = append(c.Contacts, c.Contacts[0])
		}
		if _, err := l.Append(t.Context(), june, push.Position(n), c); err != nil {
			t.Fatal(err)
		}
	}
	before, read := len(p.server.Calls()), 0
	at, err := l.Read(t.Context(), june, 0, func(push.Change) error { read++; return nil })
	if err != nil || at != positions || read != positions {
		t.Fatal(at, read, err)
	}
	answers := 0
	for _, c := range p.server.Calls()[before:] {
		if c.Method == "jobs.getQueryResults" {
			answers++
		}
	}
	if answers < 2 {
		t.Errorf("2 MB came in %d answers", answers)
	}
}

// A ledger that is deleted by itself would have everybody sent again.
func TestALedgerDoesNotExpire(t *testing.T) {
	p := newPlace(t)
	client, err := bigquery.NewClient(t.Context(), "test-project", p.server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	dataset := client.Dataset("contact_centre")
	if err := dataset.Create(t.Context(), &bigquery.DatasetMetadata{Location: "EU", DefaultTableExpiration: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	at, err := p.Open(t).Append(t.Context(), june, 0, sending("1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"_windrow_push", "_windrow_push_turn"} {
		md, err := dataset.Table(name).Metadata(t.Context())
		if err != nil || !md.ExpirationTime.IsZero() {
			t.Errorf("%s is deleted at %v, %v", name, md.ExpirationTime, err)
		}
	}
	if _, err := dataset.Table("_windrow_push").Update(t.Context(), bigquery.TableMetadataToUpdate{ExpirationTime: time.Now().Add(time.Hour)}, ""); err != nil {
		t.Fatal(err)
	}
	_, err = p.Open(t).Append(t.Context(), june, at, sending("2"))
	if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "check table _windrow_push: invalid: it expires") || !strings.Contains(err.Error(), "SET OPTIONS (expiration_timestamp = NULL)") {
		t.Error(err)
	}
}
