package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/bufferpool"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// profileChild is the hidden first argument that makes this program run the
// engine once, as `windrow sync` does, under the CPU profiler.
const profileChild = "profile-child"

// profiledBodies is the default of WINDROW_CONCURRENCY.
const profiledBodies = 8

// profiled is what the child is asked.
type profiled struct {
	Job       job
	Input     input
	URL       string
	Sink, Out string
}

// allocations is the file of the profile of allocations.
func (p profiled) allocations() string { return strings.TrimSuffix(p.Out, ".pprof") + ".allocs.pprof" }

// profile writes profiles of each job, of CPU time and of allocations, and
// prints their greatest functions.
func profile(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.profile, 0o755); err != nil {
		return err
	}
	for _, j := range o.jobs {
		if err := o.profileOne(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", j, err)
		}
	}
	return nil
}

func (o options) profileOne(ctx context.Context, j job) (err error) {
	in, err := generate(o.dir, j.want)
	if err != nil {
		return err
	}
	v, err := serve(ctx, in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	name := strings.NewReplacer(", ", "-", " ", "").Replace(j.String())
	p := profiled{j, in, v.url, filepath.Join(o.work, name), filepath.Join(o.profile, name+".pprof")}
	question, err := json.Marshal(p)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, profileChild)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	for _, view := range [][]string{{"-flat", p.Out}, {"-cum", p.Out}, {"-flat", "-sample_index=alloc_space", p.allocations()}} {
		fmt.Printf("\n%s, %s\n", j, strings.Join(view, " "))
		// What was interrupted took the time, not the interruption.
		args := append([]string{"tool", "pprof", "-top", "-nodecount=25", "-hide=^runtime.asyncPreempt$"}, view[:len(view)-1]...)
		top := exec.CommandContext(ctx, "go", append(args, self, view[len(view)-1])...)
		top.Stdout, top.Stderr = os.Stdout, os.Stderr
		if err := top.Run(); err != nil {
			return err
		}
	}
	return os.RemoveAll(p.Sink)
}

// profileMain is the child.
func profileMain(ctx context.Context) (err error) {
	bufferpool.ReplaceDefault() // as the program does at its start
	var p profiled
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return err
	}
	defer engine.NewSoftMemory(profiledBodies).Follow()() // as `windrow sync` does
	now, err := time.Parse(time.RFC3339, planningTime(p.Input))
	if err != nil {
		return err
	}
	source, err := p.source(func() time.Time { return now })
	if err != nil {
		return err
	}
	store, err := parquet.Open(ctx, p.Sink, parquet.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	out, err := os.Create(p.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	engine := &engine.Engine{
		Store: store, Sources: []pipeline.Source{source}, Streams: []pipeline.StreamID{p.stream()},
		Select: plan.Selection{From: p.Input.From, To: p.Input.To},
		Clock:  func() time.Time { return now }, Now: time.Now, MaxRejects: engine.RejectLimit{Share: 0.01},
		Health: engine.Health{MaxUnreadable: engine.RejectLimit{Share: 0.2}}, Concurrency: profiledBodies,
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	began := time.Now()
	summary, err := engine.Sync(ctx)
	pprof.StopCPUProfile()
	fmt.Printf("%s: %.3f s, exit %d\n", p.Job, time.Since(began).Seconds(), summary.Exit)
	if err != nil {
		return err
	}
	_, err = writeFile(p.allocations(), func(w io.Writer) error { return pprof.Lookup("allocs").WriteTo(w, 0) })
	return err
}

func (p profiled) stream() pipeline.StreamID {
	if p.Job.Format == "stats" {
		return ucontact.Campaigns
	}
	return "dialpad.calls"
}

// source is the connector under the settings of [job.windrowEnv].
func (p profiled) source(clock pipeline.Clock) (pipeline.Source, error) {
	options := connectors.Options{Account: pipeline.DefaultAccount, Clock: clock, RetryFor: time.Minute}
	if p.Job.Format == "stats" {
		set, faults := ucontact.Config{
			URL: p.URL, Token: "bench", Timezone: accountZone, GroupNum: "15", Rate: "1000",
			Campaigns: strings.Join(p.Input.Names, ","), Window: p.Job.windowLength(),
		}.Settings(ucontact.Prefix)
		if len(faults) > 0 {
			return nil, fmt.Errorf("settings: %v", faults)
		}
		return ucontact.New(set, options)
	}
	set, faults := dialpad.Config{
		URL: p.URL + "/api/v2", Token: "bench", Timezone: accountZone,
		PollFirst: "0s", PollEvery: "10ms", Rate: "1000", Window: p.Job.windowLength(),
	}.Settings("WINDROW_DIALPAD_")
	if len(faults) > 0 {
		return nil, fmt.Errorf("settings: %v", faults)
	}
	return dialpad.New(set, options)
}
