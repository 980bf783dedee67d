package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// exitCode is the exit code of a verb that ended with err.
func exitCode(err error) int {
	var over *exitError
	var usage *usageError
	var wrong *faultsError
	switch {
	case err == nil:
		return pipeline.ExitDone
	case errors.As(err, &over):
		return over.code
	case errors.As(err, &usage), errors.As(err, &wrong):
		return pipeline.ExitOf(pipeline.Invalid)
	}
	return pipeline.ExitOf(pipeline.KindOf(err))
}

// exitError ends the program with a code after its result has been shown.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitWith is nil for code 0.
func exitWith(code int) error {
	if code == pipeline.ExitDone {
		return nil
	}
	return &exitError{code}
}

// usageError is a command line that cannot be carried out.
type usageError struct {
	problem string
	hint    string // what to do, a sentence
}

func (e *usageError) Error() string {
	if e.hint == "" {
		return e.problem
	}
	return e.problem + "\n" + e.hint
}

func usagef(hint, format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...), hint: hint}
}

// faultsError is everything that is wrong with the configuration.
type faultsError struct{ faults []pipeline.ConfigError }

func (e *faultsError) Error() string {
	var b strings.Builder
	if len(e.faults) == 1 {
		b.WriteString("1 setting is wrong:")
	} else {
		fmt.Fprintf(&b, "%d settings are wrong:", len(e.faults))
	}
	for _, f := range e.faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
	}
	return b.String()
}

// reasons tell a person why the program ends; there are none where that has
// been shown. Errors that were joined are told one by one.
func reasons(err error) []string {
	switch e := err.(type) { //nolint:errorlint // what wraps another error has something to tell
	case nil, *exitError:
		return nil
	case interface{ Unwrap() []error }:
		var all []string
		for _, one := range e.Unwrap() {
			all = append(all, reasons(one)...)
		}
		return all
	}
	if err == context.Canceled { //nolint:errorlint // alone it says no more than the line that told of the signal
		return nil
	}
	return []string{err.Error()}
}
