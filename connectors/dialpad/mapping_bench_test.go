package dialpad

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// callsDocument is a calls export of about n bytes: entry rows and legs, some
// with a line break in a quoted cell.
func callsDocument(n int) []byte {
	var b bytes.Buffer
	b.WriteString(callsHeader + "\n")
	start := time.Date(2025, 9, 8, 8, 0, 0, 0, time.UTC)
	for i := 0; b.Len() < n; i++ {
		at := start.Add(time.Duration(i%36000) * time.Second)
		stamp := func(s int) string {
			return at.Add(time.Duration(s) * time.Second).Format("2006-01-02 15:04:05.000000")
		}
		leg := i%2 == 1
		entry, kind, typ, name, mail := "", "CallCenter", "call_center", "Sales "+fmt.Sprint(i%7), ""
		if leg {
			entry, kind, typ, name, mail = fmt.Sprint(6529997769220096+i-1), "UserProfile", "user", "Agent Number "+fmt.Sprint(i%40), fmt.Sprintf("agent%d@example.com", i%40)
		}
		to := ""
		if i%8 == 0 {
			to = "\"Front desk,\nsecond \"\"floor\"\"\""
		}
		fmt.Fprintf(&b, "%s,%d,incoming,inbound,+1555%07d,+15557654321,%s,%s,%s,%s,%s,%d,%s,%s,%s,%s,true,%s,%d,CallCenter,,false,%s,,,%d,%d,web_app,,America/Chicago,open,%.2f,,,%d,%.2f,,,,",
			stamp(0), 6529997769220096+i, i%9999999, stamp(1), stamp(2), stamp(3), stamp(12), stamp(200), 5000000000000001+i%40, kind, typ, name, mail,
			entry, 5000000000000001, to, 4500000000000001, 4400000000000001, 3.31, 6529997769220000+i, .2)
		fmt.Fprintf(&b, "\"answered,inbound,human_agent\",%.2f,1,%.2f,0,%.2f,%.2f,1,%.2f,operator,%.1f,%.1f,%.1f,,false\n", .15, 0.0, 2.86, .25, .5, 40.1, 50.2, 9.7)
	}
	return b.Bytes()
}

func BenchmarkCSVDecode(b *testing.B) {
	doc := callsDocument(8 << 20)
	f := formatOf("calls", "")
	m := meta("company")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		for chunk, err := range f.Split(bytes.NewReader(doc), 4<<20) {
			batch := pipeline.NewBatch(pipeline.Events)
			if err == nil {
				err = f.Decode(m, chunk, batch)
			}
			if err != nil {
				b.Fatal(err)
			}
			if batch.Rejects.Len() > 0 {
				b.Fatal(slices.Collect(batch.Rejects.All())[0])
			}
			batch.Release()
			release(chunk)
		}
	}
}

func BenchmarkCSVSplit(b *testing.B) {
	doc := callsDocument(8 << 20)
	f := formatOf("calls", "")
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		for chunk, err := range f.Split(bytes.NewReader(doc), 4<<20) {
			if err != nil {
				b.Fatal(err)
			}
			release(chunk)
		}
	}
}

func TestRowsDoNotDependOnTheRange(t *testing.T) {
	doc := callsDocument(200 << 10)
	f := formatOf("calls", "")
	want, _, err := decode(t, f, pipeline.Events, meta("company"), string(doc))
	if err != nil || strings.Count(string(doc), "\n") <= len(want) {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	rows := 0
	for chunk, err := range f.Split(bytes.NewReader(doc), 10<<10) {
		if err != nil {
			t.Fatal(err)
		}
		batch := pipeline.NewBatch(pipeline.Events)
		if err := f.Decode(meta("company"), chunk, batch); err != nil {
			t.Fatal(err)
		}
		rows += batch.Rows()
		batch.Release()
		release(chunk)
	}
	if rows != len(want) {
		t.Errorf("%d rows in small ranges, %d in a large one", rows, len(want))
	}
}

func release(c pipeline.Chunk) {
	if c.Free != nil {
		c.Free()
	}
}
