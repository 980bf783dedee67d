package config

import (
	"cmp"
	"errors"
	"strings"
)

// LogStyle is how lines on stderr look.
type LogStyle uint8

const (
	TextLog  LogStyle = iota // for people, who may have progress bars as well
	JSONLog                  // slog's JSON lines
	CloudLog                 // Cloud Logging's JSON lines, and nothing else
)

// Logs says how the program writes on stderr.
type Logs struct {
	Style    LogStyle
	CloudRun CloudRun
	Project  string // of Google Cloud: the sink's, else that of the surroundings; may be empty
}

// ReadLogs finds out how to write before anything else is read, so that what
// is wrong with the rest is written so too. terminal says that people watch;
// projectOf finds the project in a sink's address, where there is one.
func ReadLogs(terminal bool, projectOf func(sink string) string) (Logs, error) {
	var scope Scope
	var operation Operation
	var google Google
	var cloudRun CloudRun
	if err := errors.Join(Fill(Prefix, &scope), Fill(Prefix, &operation), Fill("", &google), Fill("", &cloudRun)); err != nil {
		return Logs{}, err
	}
	l := Logs{CloudRun: cloudRun, Project: cmp.Or(projectOf(strings.TrimSpace(scope.Sink)), google.Project)}
	switch {
	case operation.LogFormat == formatText:
	case cloudRun.Present():
		l.Style = CloudLog
	case operation.LogFormat == formatJSON || !terminal:
		l.Style = JSONLog
	}
	return l, nil
}
