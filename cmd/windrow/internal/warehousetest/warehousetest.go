// Package warehousetest reads all that a directory holds, also what is compressed. Tests search it for what must not be
// there. It looks with the readers of Arrow and of zstd, and knows nothing of the sink that wrote the files.
package warehousetest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"
)

// Inside ends the name of what a compressed file holds: the name of the file, and this.
const Inside = " (inside)"

// Everything returns the text below dir by name: each file as its bytes are, and by name + [Inside] the values of a
// Parquet file, one a line, and the text of one that zstd has compressed. A file that cannot be read fails the test.
func Everything(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all[path] = string(body)
		inside, err := decoded(path, body)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if inside != nil {
			all[path+Inside] = string(inside)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// decoded is the content of a compressed file, or nil where the file is not one.
func decoded(name string, body []byte) ([]byte, error) {
	switch {
	case strings.HasSuffix(name, ".parquet"):
		return values(body)
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(nil)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return z.DecodeAll(body, []byte{})
	}
	return nil, nil
}

// values are those of all columns of a Parquet file, one a line.
func values(body []byte) ([]byte, error) {
	table, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(body), parquet.NewReaderProperties(memory.DefaultAllocator),
		pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	defer table.Release()
	text := []byte{}
	for c := range int(table.NumCols()) {
		for _, chunk := range table.Column(c).Data().Chunks() {
			for i := range chunk.Len() {
				text = append(append(text, chunk.ValueStr(i)...), '\n')
			}
		}
	}
	return text, nil
}

// Holding lists the names of what holds the text.
func Holding(all map[string]string, text string) (names []string) {
	for name, content := range all {
		if strings.Contains(content, text) {
			names = append(names, name)
		}
	}
	return names
}
