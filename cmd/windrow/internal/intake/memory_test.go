package intake

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline/push"
)

// contactsOf writes a file of so many contacts with two numbers each, every hundredth of which is refused.
func contactsOf(t *testing.T, name, head, row string, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(file)
	fmt.Fprint(out, head)
	for i := range n {
		priority := fmt.Sprint(i)
		if i%100 == 0 {
			priority = "x"
		}
		fmt.Fprintf(out, row, 20_000_000+i, 30_000_000+i, priority, strings.Repeat("some text of a message, ", 8))
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Of an input the rows of a batch are in memory, and a hash of each address. A push of 100,000 contacts has 128 MiB.
func TestAHundredThousandContactsTakeTheRoomOfTheirHashes(t *testing.T) {
	const most = 16 << 20
	for name, form := range map[string][2]string{
		"june.csv":   {"clientIds,priority,data.note\n", "+5989%d;+5982%d,%s,\"%s\"\n"},
		"june.jsonl": {"", `{"clientIds":["+5989%d","+5982%d"],"priority":"%s","data":{"note":"%s"}}` + "\n"},
	} {
		const rows = 100_000
		path := contactsOf(t, name, form[0], form[1], rows)
		info, err := os.Stat(path)
		if err != nil || info.Size() < 20<<20 {
			t.Fatal(info, err)
		}
		var before, at runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		in, err := Open(t.Context(), path, telephony)
		if err != nil {
			t.Fatal(err)
		}
		rejects, err := NewRejects(RejectsName(path), in.Comma, path)
		if err != nil {
			t.Fatal(err)
		}
		accepted, refused, held := 0, 0, uint64(0)
		look := func() {
			if (accepted+refused)%(rows/5) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&at)
				held = max(held, at.HeapAlloc-min(at.HeapAlloc, before.HeapAlloc))
			}
		}
		err = in.Read(t.Context(), func(push.Contact) error { accepted++; look(); return nil }, func(r push.Refusal) error { refused++; look(); return rejects.Add(r) })
		if err != nil || accepted != rows*99/100 || refused != rows/100 {
			t.Fatal(accepted, refused, err)
		}
		if _, err := rejects.Close(in.Columns()); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MiB are read with %d KiB", name, info.Size()>>20, held>>10)
		if held > most {
			t.Errorf("%s: %d KiB are held", name, held>>10)
		}
	}
}
