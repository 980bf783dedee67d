package transforms_test

import (
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// The export of a vendor: local times with the name of their zone, durations in minutes, one column that no mapping
// knows. In the second row the time cannot be read.
const export = `call_id,began,tz,number,agent,talk,mood
71,2025-11-02 01:30:00,America/Chicago,+1 555 0100,Ana Gil,2.5,fine
72,yesterday,America/Chicago,+1 555 0101,Luz Soto,1,
`

// Fields that the mapping's function reads.
const (
	callBegan = iota
	callZone
)

var (
	columnKind    = pipeline.Events.Index("kind")
	columnStarted = pipeline.Events.Index("started_at")
)

// A mapping says where the fields of a document go, and its format makes rows of the document. What the mapping does
// not name stays in extras, what cannot be read becomes a reject.
func ExampleMapping() {
	calls := transforms.Mapping{
		Table: pipeline.Events,
		Fields: []transforms.Field{
			callBegan: {Source: "began", Conv: transforms.Custom},
			callZone:  {Source: "tz", Conv: transforms.Zone},
			{Source: "call_id", Column: "event_id"},
			{Source: "number", Column: "customer_address"},
			{Source: "agent", Column: "agent_name"},
			{Source: "talk", Column: "talk_seconds", Conv: transforms.Minutes},
		},
		Keys:     []string{"call_id", "began"},
		Personal: map[string]pipeline.Personal{"number": pipeline.PersonalPhone, "agent": pipeline.PersonalName},
		Row: func(r *transforms.Row) {
			times := r.Times(callZone, callBegan)
			if times == nil {
				return // the row was rejected
			}
			r.At(times[0])
			r.SetInstant(columnStarted, times[0])
			r.SetString(columnKind, "call")
		},
	}
	show(transforms.NewCSV(calls, pipeline.Policy{}))

	stars := func(dst, _ []byte, _ pipeline.Personal, _ bool) ([]byte, bool) { return append(dst, "***"...), true }
	fmt.Println("\nwith a policy for personal data:")
	show(transforms.NewCSV(calls, pipeline.Policy{Replace: stars}))

	// Output:
	// kind: call
	// event_id: 71
	// started_at: 2025-11-02 06:30:00Z
	// timezone: America/Chicago
	// agent_name: Ana Gil
	// customer_address: +1 555 0100
	// talk_seconds: 150
	// extras: {"mood":"fine","_time_ambiguous":["began"]}
	// row 2 is rejected: began is not a time: 72,yesterday,America/Chicago,+1 555 0101,Luz Soto,1,
	//
	// with a policy for personal data:
	// kind: call
	// event_id: 71
	// started_at: 2025-11-02 06:30:00Z
	// timezone: America/Chicago
	// agent_name: ***
	// customer_address: ***
	// talk_seconds: 150
	// extras: {"mood":"***","_time_ambiguous":["began"]}
	// row 2 is rejected: began is not a time:
}

// show reads the export as the engine does, range by range, and prints what has a value.
func show(format pipeline.Format) {
	for chunk, err := range format.Split(strings.NewReader(export), 1<<20) {
		if err != nil {
			fmt.Println(err)
			return
		}
		batch := pipeline.NewBatch(pipeline.Events)
		defer batch.Release()
		if err := format.Decode(&pipeline.Meta{ResponseZone: "America/Chicago"}, chunk, batch); err != nil {
			fmt.Println(err)
			return
		}
		columns, err := batch.Columns()
		if err != nil {
			fmt.Println(err)
			return
		}
		for row := range batch.Rows() {
			for i, column := range columns {
				if column != nil && column.IsValid(row) {
					fmt.Printf("%s: %s\n", pipeline.Events.Columns[i].Name, column.ValueStr(row))
				}
			}
		}
		for r := range batch.Rejects.All() {
			fmt.Printf("row %d is rejected: %s: %s\n", r.Row, r.Reason, r.Raw)
		}
	}
}
