package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The month that every input lies in: thirty days of the account's zone, of
// which the second has 25 hours.
const (
	accountZone = "America/Chicago"
	firstDay    = "2025-11-01"
	lastDay     = "2025-11-30"
	// dailyDay is the one day of the small inputs.
	dailyDay = "2025-11-20"
)

// inputVersions are part of the inputs' names: raised when they change.
var inputVersions = map[string]int{"calls": 1, "stats": 3}

// input is one generated document and what the vendor was asked to give it.
type input struct {
	Format   string   `json:"format"` // calls (CSV) or stats (JSON)
	Path     string   `json:"path"`
	Bytes    int64    `json:"bytes"`
	Rows     int      `json:"rows"`
	Names    []string `json:"names,omitempty"` // campaigns of a stats document
	From, To string   // local days, both included
	// Days holds, for a stats document, where the rows of each local day begin,
	// and one past the byte behind the last row.
	Days []int64 `json:"days,omitempty"`
}

// span is the instants [start, end) of the input's days.
func (in input) span() (start, end time.Time, err error) {
	zone, err := time.LoadLocation(accountZone)
	if err != nil {
		return start, end, err
	}
	if start, err = time.ParseInLocation(time.DateOnly, in.From, zone); err != nil {
		return start, end, err
	}
	end, err = time.ParseInLocation(time.DateOnly, in.To, zone)
	return start, end.AddDate(0, 0, 1), err
}

// want names an input by what shapes it.
type want struct {
	Format   string `json:"format"` // as [input] has it
	MB       int    `json:"mb"`     // 10^6 bytes, about
	Shuffled bool   `json:"shuffled"`
}

func (w want) name() string {
	order := ""
	if w.Shuffled {
		order = "-shuffled"
	}
	return fmt.Sprintf("v%d-%s-%dMB%s", inputVersions[w.Format], w.Format, w.MB, order)
}

// generate returns the input, which it makes the first time: same seed, same bytes.
func generate(dir string, w want) (input, error) {
	in := input{Format: w.Format, From: firstDay, To: lastDay}
	if w.MB <= 1 {
		in.From, in.To = dailyDay, dailyDay
	}
	extension := map[string]string{"calls": ".csv", "stats": ".json"}[w.Format]
	in.Path = filepath.Join(dir, w.name()+extension)
	about := filepath.Join(dir, w.name()+".about")
	if known, err := os.ReadFile(about); err == nil {
		var old input
		if s, err := os.Stat(in.Path); err == nil && json.Unmarshal(known, &old) == nil && s.Size() == old.Bytes {
			old.Path = in.Path
			return old, nil
		}
	}
	start, end, err := in.span()
	if err != nil {
		return in, err
	}
	write := func(out io.Writer) error {
		if w.Format == "stats" {
			in.Rows, in.Names, in.Days, err = writeStats(out, w, start, end)
		} else {
			in.Rows, err = writeCalls(out, w, start, end)
		}
		return err
	}
	if in.Bytes, err = writeFile(in.Path, write); err != nil {
		return in, err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return in, err
	}
	return in, os.WriteFile(about, text, 0o644)
}

// writeFile lets write fill a file that appears when it is whole, and tells its size.
func writeFile(path string, write func(io.Writer) error) (int64, error) {
	f, err := os.Create(path + ".part")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone already when all went well
	out := bufio.NewWriterSize(f, 1<<20)
	if err := write(out); err != nil {
		_ = f.Close()
		return 0, err
	}
	if err := out.Flush(); err != nil {
		_ = f.Close()
		return 0, err
	}
	s, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	return s.Size(), os.Rename(f.Name(), path)
}
