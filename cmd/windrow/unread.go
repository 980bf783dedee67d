package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// refuseUnserved refuses a run beside streams that the sink's ledger knows and the configuration no longer serves: a
// token or a list that vanished must not be a green night. A choice of streams that leaves them out is a word.
func (s *setup) refuseUnserved(ctx context.Context, e *engine.Engine) error {
	unread, err := e.Unread(ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, u := range unread {
		if !u.LeftOut && s.chosen(u.Key.Account) {
			lines = append(lines, fmt.Sprintf("\n  %s: %s", u.Key.Label(), s.whyUnserved(u.Key)))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return usagef("Set what is missing. Or say that they are left out: WINDROW_STREAMS="+strings.Join(s.served(func(of pipeline.Stream) bool { return of.Chosen(s.Streams) }), ",")+
		", or --streams with the same list. Or name another WINDROW_SINK, where this one is not meant.",
		"the sink has streams that the configuration does not serve any more:%s", strings.Join(lines, ""))
}

// chosen reports whether the accounts of that name are read.
func (s *setup) chosen(account pipeline.AccountID) bool {
	return len(s.accounts) == 0 || slices.Contains(s.accounts, account)
}

// chooseAccounts keeps to the accounts that --accounts names.
func (s *setup) chooseAccounts(list string) error {
	var known []string
	for _, t := range s.tenants {
		if name := string(t.Account); t.configured && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	if err := s.nothingConfigured(); err != nil {
		return err
	}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			return usagef(didYouMean(name, known)+"Configured accounts: "+strings.Join(known, ", ")+".", "--accounts names %q, which is no account", name)
		}
		s.accounts = append(s.accounts, pipeline.AccountID(name))
	}
	return nil
}

// whyUnserved says what a stream lacks.
func (s *setup) whyUnserved(k pipeline.StreamKey) string {
	if of, ok := s.stream(k); ok && len(of.Missing) > 0 {
		return show.Missing(of)
	}
	if slices.ContainsFunc(s.tenants, func(t *tenant) bool { return t.Source == k.Stream.Source() && t.Account == k.Account }) {
		return "this build has no such stream"
	}
	return "there is no such source or account"
}

// served names the streams that can be read; of nil all, else those that are wanted.
func (s *setup) served(wanted func(pipeline.Stream) bool) (names []string) {
	for _, of := range s.catalogue() {
		if len(of.Missing) == 0 && (wanted == nil || wanted(of)) && !slices.Contains(names, string(of.Key.Stream)) { // another account may have it too
			names = append(names, string(of.Key.Stream))
		}
	}
	return names
}

// stream finds a stream of the catalogue.
func (s *setup) stream(k pipeline.StreamKey) (pipeline.Stream, bool) {
	all := s.catalogue()
	i := slices.IndexFunc(all, func(of pipeline.Stream) bool { return of.Key == k })
	if i < 0 {
		return pipeline.Stream{}, false
	}
	return all[i], true
}
