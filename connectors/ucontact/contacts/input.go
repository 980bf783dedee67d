package contacts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/transforms/phone"
)

// Options say how rows become contacts.
type Options struct {
	HubType   HubType
	Delivery  push.Delivery
	Maps      []string // column=property; column= leaves the column out
	Timezone  string   // of contacts that name none; empty: they have none
	Country   string   // of numbers without one, as ISO 3166 has it; empty: they stay as they are
	Hours     Hours    // in which leads are wanted; the zero Hours: always
	AllowPast bool     // a scheduleDate may be past
	Now       func() time.Time
}

// Input is a table of contacts: see [push.Input].
type Input struct {
	rows    push.Rows
	options Options
	mapping mapping
	zones   zones
	zone    *zone // of contacts that name none; nil
}

var _ push.Input = (*Input)(nil)

// New makes contacts of rows. It finds all that is wrong with the options and the columns: a *[pipeline.Error] of kind
// Invalid. rows are the Input's then, and those of an error the caller's.
func New(rows push.Rows, o Options) (*Input, error) {
	in := &Input{rows: rows, options: o}
	var faults []string
	if !slices.Contains(HubTypes, o.HubType) {
		return nil, invalid([]string{fmt.Sprintf("--hub-type %s is none of %s", o.HubType, joined(HubTypes))})
	}
	if o.Country != "" && !phone.ForCountry(o.Country) {
		faults = append(faults, "--country is no country's code; for example UY")
	}
	if o.Timezone != "" {
		if in.zone = in.zones.find(o.Timezone); in.zone == nil {
			faults = append(faults, "--timezone is no time zone; "+zoneRemedy(o.Timezone))
		}
	}
	if columns := rows.Columns(); len(columns) > 0 { // without any there is no row
		var wrong []string
		in.mapping, wrong = resolve(columns, o)
		faults = append(faults, wrong...)
	}
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	return in, nil
}

func joined(types []HubType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

func invalid(faults []string) error {
	return &pipeline.Error{Op: "read the contacts", Kind: pipeline.Invalid, Err: errors.New(strings.Join(faults, "\n"))}
}

// Columns implements [push.Input].
func (in *Input) Columns() []string { return in.rows.Columns() }

// Ignored implements [push.Input].
func (in *Input) Ignored() []string { return in.mapping.ignored }

// Close implements [push.Input].
func (in *Input) Close() error { return in.rows.Close() }

// Read implements [push.Input].
func (in *Input) Read(ctx context.Context, accept func(push.Contact) error, refuse func(push.Refusal) error) error {
	first := make(map[idHash]int) // the row that has an address
	r := &reading{in: in}
	return in.rows.Read(ctx, func(row push.Row) error {
		c, f := r.contact(row)
		if f == nil {
			for _, id := range c.IDs {
				if n, taken := first[hashOf(id)]; taken {
					f = &fault{column: -1, problem: fmt.Sprintf("is a duplicate of row %d", n), remedy: "leave one of the two", duplicateOf: n}
					break
				}
			}
		}
		if f != nil {
			return refuse(in.refusal(row, f))
		}
		for _, id := range c.IDs {
			first[hashOf(id)] = row.Number
		}
		return accept(c)
	})
}

// fault is why a row is refused.
type fault struct {
	column      int // -1: the row as a whole
	problem     string
	remedy      string
	duplicateOf int
}

// refusal tells of a row that is refused.
func (in *Input) refusal(row push.Row, f *fault) push.Refusal {
	columns := in.rows.Columns()
	out := push.Refusal{Row: row.Number, Problem: f.problem, Remedy: f.remedy, DuplicateOf: f.duplicateOf, Cells: make([]string, len(row.Cells))}
	if f.column >= 0 {
		out.Column = columns[f.column]
	}
	for i, cell := range row.Cells {
		out.Cells[i] = cell.Text
	}
	return out
}
