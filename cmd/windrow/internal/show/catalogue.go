package show

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
)

// Catalogued is a stream of the catalogue, and the metrics that runs have seen of it and nobody has catalogued.
type Catalogued struct {
	pipeline.Stream
	Uncatalogued []string
}

// cataloguedStream is the JSON of `windrow streams`.
type cataloguedStream struct {
	Stream          pipeline.StreamID  `json:"stream"`
	Account         pipeline.AccountID `json:"account"`
	Table           string             `json:"table"`
	Window          string             `json:"window"`
	SettleSeconds   int64              `json:"settle_seconds"`
	LookbackSeconds int64              `json:"lookback_seconds"`
	Configured      bool               `json:"configured"`
	Default         bool               `json:"default"`
	Missing         []string           `json:"missing"`
	Uncatalogued    []string           `json:"uncatalogued"`
	Unsaid          []string           `json:"unsaid"` // what stays in extras until a setting says what it is
}

// CatalogueJSON writes the catalogue as an array.
func CatalogueJSON(w io.Writer, streams []Catalogued) error {
	all := []cataloguedStream{}
	for _, s := range streams {
		all = append(all, cataloguedStream{
			Stream: s.Key.Stream, Account: s.Key.Account, Table: s.Table.Name, Window: s.Calendar.String(),
			SettleSeconds: int64(s.Settle / time.Second), LookbackSeconds: int64(s.Lookback / time.Second),
			Configured: len(s.Missing) == 0, Default: !s.Unpublished,
			Missing: append([]string{}, s.Missing...), Uncatalogued: append([]string{}, s.Uncatalogued...),
			Unsaid: append([]string{}, s.Unsaid...),
		})
	}
	return Document(w, all)
}

// Catalogue prints every stream, how it is cut and whether it can be read; below, what is missing of those that cannot, and
// what was seen of the others that nobody has catalogued.
func Catalogue(w io.Writer, streams []Catalogued) error {
	t := NewTable("stream", "table", "window", "settle", "lookback", "configured")
	missing, order := map[string][]string{}, []string{}
	for _, s := range streams {
		label, state := name(s.Key.Stream, s.Key.Account), "yes"
		switch {
		case len(s.Missing) > 0:
			state = "no"
			what := Missing(s.Stream)
			if missing[what] == nil {
				order = append(order, what)
			}
			missing[what] = append(missing[what], label)
		case s.Unpublished:
			state = "where named"
		}
		t.Row(label, s.Table.Name, s.Calendar.String(), span(s.Settle), span(s.Lookback), state)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	for _, what := range order {
		if _, err := fmt.Fprintf(w, "\n%s%s", wrapped("not configured: "+what+", for", ""), wrapped(strings.Join(missing[what], ", "), "  ")); err != nil {
			return err
		}
	}
	for _, s := range streams {
		for _, what := range s.Unsaid {
			if _, err := fmt.Fprintf(w, "\n%s", wrapped(name(s.Key.Stream, s.Key.Account)+": "+what+".", "")); err != nil {
				return err
			}
		}
		if len(s.Uncatalogued) == 0 {
			continue
		}
		text := fmt.Sprintf("%s: seen and not catalogued, so that they are kept in extras and nothing adds them up: %s. %s says what they are.",
			name(s.Key.Stream, s.Key.Account), strings.Join(s.Uncatalogued, ", "), s.Catalogue)
		if _, err := fmt.Fprintf(w, "\n%s", wrapped(text, "")); err != nil {
			return err
		}
	}
	return nil
}

// lineWidth is what lines for people fit into.
const lineWidth = 80

// wrapped breaks a text between words, each line indented; nothing stays nothing.
func wrapped(text, indent string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case width == 0:
			b.WriteString(indent)
			width = len(indent)
		case width+1+n > lineWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	if width == 0 {
		return ""
	}
	return b.String() + "\n"
}

// Missing says what a stream needs: variables to set, or something that no
// variable gives.
func Missing(s pipeline.Stream) string {
	what := strings.Join(s.Missing, ", ")
	if strings.HasPrefix(what, config.Prefix) {
		return "set " + what
	}
	return what
}

// dictionaryColumn is the JSON of `windrow schema`.
type dictionaryColumn struct {
	Table       string               `json:"table"`
	Column      string               `json:"column"`
	Type        string               `json:"type"`
	Nullable    bool                 `json:"nullable"`
	Unit        string               `json:"unit,omitempty"`
	Aggregation pipeline.Aggregation `json:"aggregation"`
	Weight      string               `json:"weight,omitempty"`
	Meaning     string               `json:"meaning"`
}

// SchemaJSON writes the columns of the tables as an array.
func SchemaJSON(w io.Writer, tables []*pipeline.Table) error {
	columns := []dictionaryColumn{}
	for _, t := range tables {
		for _, c := range t.Columns {
			columns = append(columns, dictionaryColumn{
				Table: t.Name, Column: c.Name, Type: c.Type.String(), Nullable: c.Nullable,
				Unit: c.Unit, Aggregation: c.Aggregation, Weight: c.Weight, Meaning: c.Meaning,
			})
		}
	}
	return Document(w, columns)
}

// Schema prints the data dictionary.
func Schema(w io.Writer, tables []*pipeline.Table) error {
	for i, table := range tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := fmt.Fprintf(w, "table %s\n\n", table.Name); err != nil {
			return err
		}
		t := NewTable("column", "type", "unit", "aggregation", "meaning")
		for _, c := range table.Columns {
			aggregation := string(c.Aggregation)
			if c.Weight != "" {
				aggregation += ", weight " + c.Weight
			}
			t.Row(c.Name, columnType(c), cmp.Or(c.Unit, "-"), aggregation, c.Meaning)
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s",
		wrapped("sum: adds up over disjoint rows of one stream and one resource_type; mean: never adds up, but can be weighed where a weight is named; "+
			"distinct: never adds up; snapshot: true at the moment of reading alone.", ""),
		wrapped("A value that cannot be read is null, stays in extras, and is counted by field in sync --json, history --json and report --json; a row without its key or time is rejected. "+
			"A window with too many of either, without any measure, or without a field that it had before, stays open: "+
			"WINDROW_MAX_UNREADABLE, WINDROW_MAX_REJECTS and WINDROW_ON_DRIFT say when.", ""))
	return err
}

func columnType(c pipeline.Column) string {
	if c.Nullable {
		return c.Type.String()
	}
	return c.Type.String() + " not null"
}

// Targets are what one account may be asked for, and the JSON of that.
type Targets struct {
	Source  pipeline.SourceID  `json:"source"`
	Account pipeline.AccountID `json:"account"`
	Targets []pipeline.Target  `json:"targets"`
}

// TargetLists prints what each account may be asked for.
func TargetLists(w io.Writer, lists []Targets) error {
	printed := false
	for _, l := range lists {
		if len(l.Targets) == 0 {
			continue
		}
		if printed {
			fmt.Fprintln(w)
		}
		printed = true
		t := NewTable(pipeline.TenantKey{Source: l.Source, Account: l.Account}.Label(), "", "")
		for _, of := range l.Targets {
			what := ""
			switch {
			case of.Rows != nil:
				what = pipeline.Counted(*of.Rows, "row") + " in 30 days"
			case of.PartOf != "":
				what = "(" + strings.ReplaceAll(of.PartOf, ":", " ") + ")"
			}
			called := of.Kind
			if of.Name != of.Target {
				called = cmp.Or(of.Name, called)
			}
			t.Row(of.Target, called, what)
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}
