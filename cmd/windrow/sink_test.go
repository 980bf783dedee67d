package main

import (
	"errors"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func TestAGroupTakesAQuarterOfTheContainersMemoryAtMost(t *testing.T) {
	dear := sink{group: func() pipeline.Grouping {
		return pipeline.Grouping{Windows: 256, Bytes: 1 << 30, After: 5 * time.Minute}
	}}
	for _, c := range []struct {
		name  string
		limit uint64
		err   error
		want  int64
	}{
		{"a small container", 512 << 20, nil, 128 << 20},
		{"a large container", 32 << 30, nil, 1 << 30},
		{"no limit, as some kernels write it", 1<<64 - 4096, nil, 1 << 30},
		{"no container", 0, errors.New("no cgroup"), 1 << 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := dear.grouping(func() (uint64, error) { return c.limit, c.err })
			if got.Bytes != c.want || got.Windows != 256 || got.After != 5*time.Minute {
				t.Errorf("%+v, want %d bytes", got, c.want)
			}
		})
	}
	if got := (sink{}).grouping(func() (uint64, error) { return 1 << 30, nil }); got != (pipeline.Grouping{}) {
		t.Errorf("a sink without groups got %+v", got)
	}
}

func TestASinkIsChosenByItsScheme(t *testing.T) {
	for dsn, want := range map[string]string{
		"./warehouse": "file", "/var/w": "file", "file:///var/w": "file", "bigquery://p/d": "bigquery", "C:\\w": "file",
	} {
		if got := sinkOf(dsn).scheme; got != want {
			t.Errorf("%s is opened by %s, want %s", dsn, got, want)
		}
	}
}

func TestAProjectIsThatOfTheAddress(t *testing.T) {
	for address, want := range map[string]string{
		"bigquery://my-project/d?location=EU": "my-project", "bigquery://my-project": "my-project", "./warehouse": "", "file:///my-project/d": "", "": "",
	} {
		if got := projectOf(address); got != want {
			t.Errorf("%q: project %q, want %q", address, got, want)
		}
	}
}

func TestTheSoftMemoryFitsTheContainer(t *testing.T) {
	limit := func(n uint64, err error) func() (uint64, error) { return func() (uint64, error) { return n, err } }
	free := engine.NewSoftMemory(8)
	for name, tt := range map[string]struct {
		limit func() (uint64, error)
		want  engine.SoftMemory
	}{
		"no container":    {limit(0, errors.New("no cgroup")), free},
		"a large one":     {limit(512<<20, nil), free.AtMost(512 << 20 / 5 * 4)},
		"a small one":     {limit(40<<20, nil), engine.SoftMemory{Least: 40 << 20 / 5 * 4, Most: 40 << 20 / 5 * 4}},
		"one without end": {limit(1<<64-1, nil), free.AtMost(1 << 62)},
	} {
		if got := softMemory(8, tt.limit); got != tt.want {
			t.Errorf("%s: %d bytes, not %d", name, got, tt.want)
		}
	}
}
