package config

import (
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// CloudRun holds what Cloud Run tells the tasks of a job, as typed. The
// variables have no prefix:
// https://cloud.google.com/run/docs/container-contract#jobs-env-vars
type CloudRun struct {
	Job       string `envconfig:"CLOUD_RUN_JOB" desc:"name of the job; with it, or with K_SERVICE, log lines are those of Cloud Logging"`
	Execution string `envconfig:"CLOUD_RUN_EXECUTION" desc:"name of the job's execution, which all its tasks share"`
	Index     string `envconfig:"CLOUD_RUN_TASK_INDEX" desc:"which of the tasks this one is, from 0 on"`
	Count     string `envconfig:"CLOUD_RUN_TASK_COUNT" default:"1" desc:"how many tasks share the windows"`
	Attempt   string `envconfig:"CLOUD_RUN_TASK_ATTEMPT" default:"0" desc:"how often this task has been started again"`
	Service   string `envconfig:"K_SERVICE" desc:"name of the Cloud Run service that runs the program"`
}

// Present reports whether Cloud Run runs the program.
func (c CloudRun) Present() bool { return c.Job != "" || c.Service != "" }

// Task is one of Count processes that share the windows of a run.
type Task struct {
	Index, Count int // Index from 0 on; Count is at least 1
	Attempt      int // from 0 on
}

// Alone reports whether no other process shares the windows.
func (t Task) Alone() bool { return t.Count <= 1 }

// maxTasks is Cloud Run's limit for a job: https://cloud.google.com/run/quotas
const maxTasks = 10_000

// Task reads the numbers, and reports all that is wrong with them at once.
func (c CloudRun) Task() (Task, []pipeline.ConfigError) {
	var faults []pipeline.ConfigError
	wrong := func(name, problem, example string) {
		faults = append(faults, pipeline.ConfigError{Variable: "CLOUD_RUN_TASK_" + name, Problem: problem, Example: example})
	}
	var t Task
	var err error
	if t.Count, err = strconv.Atoi(strings.TrimSpace(c.Count)); err != nil || t.Count < 1 || t.Count > maxTasks {
		wrong("COUNT", "is not a number from 1 to "+strconv.Itoa(maxTasks), "1")
		t.Count = maxTasks
	}
	if t.Attempt, err = strconv.Atoi(strings.TrimSpace(c.Attempt)); err != nil || t.Attempt < 0 {
		wrong("ATTEMPT", "is not a number from 0 on", "0")
	}
	t.Index, err = strconv.Atoi(strings.TrimSpace(c.Index))
	switch {
	case c.Index == "" && c.Count == "1":
	case c.Index == "": // every process would take the same share, and nobody the others
		wrong("INDEX", "is required when CLOUD_RUN_TASK_COUNT is above 1", "0")
	case err != nil || t.Index < 0:
		wrong("INDEX", "is not a number from 0 on", "0")
	case t.Index >= t.Count:
		wrong("INDEX", "is not below CLOUD_RUN_TASK_COUNT", "0")
	}
	if len(faults) > 0 {
		return Task{Count: 1}, faults
	}
	return t, nil
}
