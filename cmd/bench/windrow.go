package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// planningTime is --as-of: every day of the inputs is settled, the next is not over.
func planningTime(in input) string {
	if in.To == dailyDay {
		return "2025-11-21T18:00:00Z"
	}
	return "2025-12-01T18:00:00Z"
}

// windowLength is the value of _WINDOW that cuts the input into the job's windows.
func (j job) windowLength() string {
	if j.Windows > 1 || j.daily() {
		return "1d"
	}
	return "1mo"
}

// windrowEnv configures a sync of the input from v into the sink.
func (j job) windrowEnv(v *vendor, sink string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + sink,
		"WINDROW_SINK=" + sink,
		"WINDROW_FROM=" + v.input.From,
		"WINDROW_LOG_LEVEL=warn",
	}
	for _, name := range []string{"GOMEMLIMIT", "GOGC", "GOMAXPROCS"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	if !j.Archived {
		env = append(env, "WINDROW_ARCHIVE=off") // DuckDB's document lies on disk before it begins
	}
	if j.Format == "calls" {
		return append(env,
			"WINDROW_STREAMS=dialpad.calls",
			"WINDROW_DIALPAD_URL="+v.url+"/api/v2",
			"WINDROW_DIALPAD_TOKEN=bench",
			"WINDROW_DIALPAD_TIMEZONE="+accountZone,
			"WINDROW_DIALPAD_POLL_FIRST=0s",
			"WINDROW_DIALPAD_POLL_EVERY=10ms",
			"WINDROW_DIALPAD_RATE=1000", // DuckDB asks no vendor, and waits for none
			"WINDROW_DIALPAD_WINDOW="+j.windowLength(),
		)
	}
	return append(env,
		"WINDROW_STREAMS=ucontact.campaigns",
		"WINDROW_UCONTACT_URL="+v.url,
		"WINDROW_UCONTACT_TOKEN=bench",
		"WINDROW_UCONTACT_TIMEZONE="+accountZone,
		"WINDROW_UCONTACT_GROUPNUM=15",
		"WINDROW_UCONTACT_RATE=1000", // waiting for the vendor's limit is not what is measured
		"WINDROW_UCONTACT_CAMPAIGNS="+strings.Join(v.input.Names, ","),
		"WINDROW_UCONTACT_WINDOW="+j.windowLength(),
	)
}

// syncWindrow runs one sync into an empty sink and measures its process.
func (o options) syncWindrow(ctx context.Context, j job, v *vendor, sink string) (measure, error) {
	if err := os.MkdirAll(sink, 0o755); err != nil {
		return measure{}, err
	}
	cmd := exec.CommandContext(ctx, o.binary, "sync", "--as-of", planningTime(v.input), "--json")
	cmd.Env = j.windrowEnv(v, sink)
	return run(o.stopwatch, cmd, windrowFiles(j, sink))
}

// windrowFiles matches the Parquet files of a sync.
func windrowFiles(j job, sink string) string {
	table := map[string]string{"calls": "events", "stats": "activity"}[j.Format]
	return filepath.Join(sink, table, "*", "*", "*", "*", "*.parquet")
}
