package show

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// RunsJSON writes the runs as an array.
func RunsJSON(w io.Writer, runs []pipeline.RunRow) error {
	return Document(w, append([]pipeline.RunRow{}, runs...))
}

// Runs prints past runs, in their order.
func Runs(w io.Writer, runs []pipeline.RunRow) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "No run is on record.")
		return err
	}
	t := NewTable("started (UTC)", ">took", "command", ">committed", ">unchanged", ">failed", ">rows", ">exit")
	endless := 0
	for _, r := range runs {
		started, took, command := "-", "-", "-"
		if r.StartedAt != nil {
			started = r.StartedAt.Time().Format("2006-01-02 15:04")
		}
		switch {
		case r.FinishedAt == nil:
			took = "no end"
			endless++
		case r.StartedAt != nil:
			took = r.FinishedAt.Time().Sub(r.StartedAt.Time()).Round(time.Second).String()
		}
		if r.Command != nil {
			command = string(*r.Command)
		}
		exit := "-"
		if r.Exit != nil {
			exit = strconv.FormatInt(*r.Exit, 10)
		}
		t.Row(started, took, command, count(r.Committed), count(r.Unchanged), count(r.Failed), count(r.Rows), exit)
	}
	if err := t.Print(w); err != nil || endless == 0 {
		return err
	}
	verb := "has"
	if endless > 1 {
		verb = "have"
	}
	_, err := fmt.Fprintf(w, "\n%s %s no end: killed before it finished, or still under way.\n", plural(endless, "run"), verb)
	return err
}

// count is a number, or a dash where nobody knows it.
func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return thousands(*n)
}
