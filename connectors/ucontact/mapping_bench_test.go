package ucontact

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// largeAnswer is a month of hours of agents with 25 metrics each.
func largeAnswer() ([]byte, pipeline.Meta) {
	start := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	b.WriteByte('[')
	for h := range 30 * 24 {
		for a := range 40 {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"date":"%s","resource":"Agent%d","inInteractions":%d,"outInteractions":%d,"connected":%d`,
				start.Add(time.Duration(h)*time.Hour).Format(javaDate), a, h%17, a%5, 3400+a)
			for m := range 22 {
				fmt.Fprintf(&b, `,"averageMetric%d":%d.%d`, m, a*m, h)
			}
			b.WriteByte('}')
		}
	}
	b.WriteByte(']')
	span := pipeline.Span{Start: pipeline.InstantOf(start), End: pipeline.InstantOf(start.AddDate(0, 1, 0))}
	return b.Bytes(), pipeline.Meta{Request: pipeline.Request{Zone: "UTC"}, Span: span, Group: "60", ResponseZone: "UTC"}
}

func BenchmarkAnswer(b *testing.B) {
	doc, meta := largeAnswer()
	f := formatOf("agent")
	for _, stage := range []string{"split", "split and decode"} {
		b.Run(stage, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				for c, err := range f.Split(bytes.NewReader(doc), 4<<20) {
					if err != nil {
						b.Fatal(err)
					}
					if stage != "split" {
						batch := pipeline.NewBatch(pipeline.Activity)
						if err := f.Decode(&meta, c, batch); err != nil {
							b.Fatal(err)
						}
						batch.Release()
					}
					if c.Free != nil {
						c.Free()
					}
				}
			}
		})
	}
}
