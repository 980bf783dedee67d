package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestG_EachKindAndCauseHasAWordOfItsOwn(t *testing.T) {
	words := map[string]string{}
	form := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	note := func(says string, err *Error) {
		word := ErrorKind(err)
		if other, taken := words[word]; taken || !form.MatchString(word) {
			t.Errorf("%s is %q, and so is %s", says, word, other)
		}
		words[word] = says
		if want := "x: " + strings.ReplaceAll(word, "_", " ") + ": y"; err.Error() != want {
			t.Errorf("%s reads %q, want %q", says, err.Error(), want)
		}
	}
	for k := range kinds {
		note(fmt.Sprintf("kind %d", k), &Error{Op: "x", Kind: Kind(k), Err: errors.New("y")})
	}
	for c := OtherDocument; int(c) < len(causes); c++ {
		note(fmt.Sprintf("cause %d", c), &Error{Op: "x", Kind: Malformed, Cause: c, Err: errors.New("y")})
	}
}

func TestG_TheRemedyFitsTheCause(t *testing.T) {
	for err, want := range map[error]Remedy{
		&Error{Kind: Unavailable}:                      Wait,
		&Error{Kind: Unavailable, Cause: Unreachable}:  Wait,
		&Error{Kind: Unavailable, Cause: BrokenOff}:    Wait,
		&Error{Kind: Unavailable, Cause: NotReady}:     Wait,
		&Error{Kind: Throttled}:                        Wait,
		&Error{Kind: Malformed, Cause: CutShort}:       Wait,
		&Error{Kind: Mismatch, Cause: Stale}:           Wait,
		&Error{Kind: Unavailable, Cause: TooLong}:      Correct,
		&Error{Kind: Mismatch, Cause: OtherZone}:       Correct,
		&Error{Kind: Unauthorized}:                     Correct,
		&Error{Kind: SinkFailed}:                       Correct,
		&Error{Kind: TooManyRejects}:                   GiveUp,
		&Error{Kind: Malformed, Cause: MissingField}:   GiveUp,
		&Error{Kind: Malformed, Cause: OtherDocument}:  GiveUp,
		fmt.Errorf("outer: %w", &Error{Kind: Refused}): GiveUp,
		errors.New("a bug"):                            Correct,
		context.Canceled:                               Wait,
	} {
		if got := RemedyOf(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if word := ErrorKind(fmt.Errorf("outer: %w", &Error{Kind: Malformed, Cause: HeaderAgain})); word != "header_again" {
		t.Error(word)
	}
	if word := ErrorKind(context.Canceled); word != "stopped" {
		t.Error(word)
	}
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	streams := []string{"default", "ucontact.agents", "chattonic.operators", "dialpad.calls", "dialpad.calls_stats", "dialpad.csat", "dialpad.dispositions"}
	for typed, want := range map[string]string{
		"dialpad.cals": "dialpad.calls", "dialpad.call": "dialpad.calls", "dialpad.call_stat": "dialpad.calls_stats", "Dialpad.Calls": "dialpad.calls", "calls": "dialpad.calls",
		"ucontact.agent": "ucontact.agents", "chatonic.oprators": "chattonic.operators", "dialpad.disp": "dialpad.dispositions", "csta": "", "zendesk.tickets": "", "": "",
	} {
		if got := Nearest(typed, streams); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	if got := Nearest("us", []string{"mx", "de"}); got != "" {
		t.Errorf("another name of two letters is %q", got)
	}
}

func TestTheNearestZoneIsTheOneThatWasMeant(t *testing.T) {
	for typed, want := range map[string]string{
		"America/Mexico_Ciy": "America/Mexico_City", "america/mexico_city": "America/Mexico_City", "Mexico City": "America/Mexico_City", "Europe/Montevideo": "America/Montevideo",
		"America/Chicgo": "America/Chicago", "utc": "UTC", "CST": "", "UTC-6": "", "Mars/Olympus_Mons": "", "": "", strings.Repeat("x", 100): "",
	} {
		if got := NearestZone(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
