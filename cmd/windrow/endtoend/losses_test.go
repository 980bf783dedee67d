package endtoend

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// loseSome is lose in every second case.
func (s *site) loseSome(random *rand.Rand) string {
	s.Helper()
	if random.IntN(2) == 0 {
		return ""
	}
	lost := lose(s.T, s.root, random)
	s.Log(lost)
	return lost
}

// lose takes some of the data from behind, as somebody does who tidies up: a file, a day's folder, all bytes of a file, or
// a day's rows. It returns what it took, empty where there is nothing to take. No process uses the warehouse meanwhile.
func lose(t *testing.T, root string, random *rand.Rand) string {
	t.Helper()
	if isBigQuery(root) {
		return loseRows(t, root, random)
	}
	lost := ""
	changing(t, root, func(dir string) { lost = loseFiles(t, dir, random) })
	return lost
}

func loseFiles(t *testing.T, dir string, random *rand.Rand) string {
	t.Helper()
	files := dataFiles(t, dir)
	if len(files) == 0 {
		return ""
	}
	file := files[random.IntN(len(files))]
	switch random.IntN(3) {
	case 0:
		return file + " is deleted" + must(t, os.Remove(file))
	case 1:
		return filepath.Dir(file) + " is deleted" + must(t, os.RemoveAll(filepath.Dir(file)))
	}
	return file + " is emptied" + must(t, os.Truncate(file, 0))
}

// must fails the test on an error.
func must(t *testing.T, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// endsByNoon reports whether the window of a file has ended by noon. A run whose clock is ahead reads others too, but no run
// with a true clock reads them again.
func endsByNoon(path string) bool {
	return strings.TrimSuffix(path[len(path)-len("20250910T180000Z.parquet"):], ".parquet") <= noon.Format("20060102T150405Z")
}

// dataFiles lists the files of both tables whose windows have ended by noon, in a fixed order.
func dataFiles(t *testing.T, root string) (files []string) {
	t.Helper()
	for _, table := range pipeline.Tables() {
		err := filepath.WalkDir(filepath.Join(root, table.Name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, "Z.parquet") && endsByNoon(path) {
				files = append(files, path)
			}
			if os.IsNotExist(err) {
				return nil
			}
			return err
		})
		must(t, err)
	}
	slices.Sort(files)
	return files
}

func loseRows(t *testing.T, root string, random *rand.Rand) string {
	t.Helper()
	var days []string // table and day
	for _, table := range pipeline.Tables() {
		if !has(t, root, table.Name) {
			continue
		}
		for _, day := range query(t, root, "SELECT DISTINCT local_date::VARCHAR FROM {"+table.Name+"} WHERE local_date < DATE '"+noon.Format(time.DateOnly)+"' ORDER BY 1") {
			days = append(days, table.Name+" "+day)
		}
	}
	if len(days) == 0 {
		return ""
	}
	lost := days[random.IntN(len(days))]
	table, day, _ := strings.Cut(lost, " ")
	must(t, serverOf(t, root).ExecDuckDB(t.Context(), fmt.Sprintf("DELETE FROM %s WHERE local_date = DATE '%s'", inDataset(root, table), day)))
	return lost + " is deleted"
}
