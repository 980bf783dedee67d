package rowgroup

import (
	"bytes"
	"testing"

	"github.com/windrow-data/windrow/sinks/bufferpool"
)

func TestGroupsOfAFileKeepNoMoreThanTheirOwnFooter(t *testing.T) {
	for name, add := range map[string]func(f *File) error{
		"encoded": func(f *File) error { return f.Add(0, mustEncode(t, groupRecord(bufferpool.Encoder(), 0, 100))) },
		"joined": func(f *File) error {
			part := groupFile(t, 0, 2)
			_, err := f.AddFile(0, bytes.NewReader(part), int64(len(part)))
			return err
		},
	} {
		f, err := NewFile(&bytes.Buffer{}, groupSchema)
		if err != nil {
			t.Fatal(err)
		}
		if err := add(f); err != nil {
			t.Fatal(err)
		}
		some := false
		for _, g := range f.groups {
			if g.meta.Schema != nil || g.meta.FileMetaData.Schema != nil {
				t.Errorf("%s: a group keeps the schema, which the file has", name)
			}
			for _, c := range g.meta.RowGroups[0].Columns {
				if s := c.MetaData.Statistics; s != nil && len(s.MinValue) > 0 {
					some = true
					if cap(s.MinValue) > len(s.MinValue)+16 || cap(s.MaxValue) > len(s.MaxValue)+16 {
						t.Errorf("%s: %v: statistics of %d and %d bytes hold %d and %d", name, c.MetaData.PathInSchema,
							len(s.MinValue), len(s.MaxValue), cap(s.MinValue), cap(s.MaxValue))
					}
				}
			}
		}
		if !some {
			t.Errorf("%s: no column has statistics", name)
		}
		if err := f.Close(); err != nil || f.meta != nil || f.groups != nil {
			t.Errorf("%s: a file that is closed keeps its footer: %v", name, err)
		}
	}
}
