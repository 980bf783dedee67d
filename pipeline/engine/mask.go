package engine

import (
	"errors"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// masked is err without the secrets that its texts hold. Its kinds and causes stay, but for a cause whose own text held one.
// Every error of a reading or a commit passes here before anything is told or noted of it.
func masked(err error, m pipeline.Mask) error {
	if err == nil || m == nil {
		return err
	}
	clean := cleaned(err, m)
	if clean.Error() == err.Error() {
		return err
	}
	return clean
}

// mask takes the account's secrets out of a text.
func (j job) mask(text string) string {
	if j.stream.Mask == nil {
		return text
	}
	return j.stream.Mask.Raw(text)
}

func cleaned(err error, m pipeline.Mask) error {
	switch e := err.(type) { //nolint:errorlint // each layer is cleaned by itself
	case *pipeline.Error:
		clean := *e
		clean.Op, clean.Hint, clean.Err = m.Raw(e.Op), m.Raw(e.Hint), masked(e.Err, m)
		return &clean
	case *pipeline.RejectedRows:
		return &pipeline.RejectedRows{Text: m.Message(e.Text), First: e.First}
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, masked(one, m))
		}
		return errors.Join(all...)
	}
	inner := errors.Unwrap(err)
	if inner == nil {
		return &maskedError{m.Message(err.Error()), nil}
	}
	inside := masked(inner, m)
	before, after, found := strings.Cut(err.Error(), inner.Error())
	if !found {
		return &maskedError{m.Message(err.Error()), inside}
	}
	return &maskedError{m.Message(before) + inside.Error() + m.Message(after), inside}
}

// maskedError is an error whose own text held a secret.
type maskedError struct {
	text  string
	cause error
}

func (e *maskedError) Error() string { return e.text }
func (e *maskedError) Unwrap() error { return e.cause }
