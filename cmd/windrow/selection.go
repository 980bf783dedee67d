package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// selection holds the flags that sync and plan share.
type selection struct {
	streams, from, to, waive, accounts string
	refetch, asJSON                    bool
}

// waiveExample ends a sentence on how a waiver is given.
const waiveExample = `example --waive "the vendor deleted these days" --streams dialpad.calls --from 2025-09-01 --to 2025-09-03`

func (f *selection) declare(cmd *cobra.Command, jsonMeaning string) {
	flags := cmd.Flags()
	flags.StringVar(&f.streams, "streams", "", "comma list of streams, instead of WINDROW_STREAMS")
	flags.StringVar(&f.from, "from", "", "from this local date, or RFC 3339 instant")
	flags.StringVar(&f.to, "to", "", "to this local date (included), or before this RFC 3339 instant")
	flags.BoolVar(&f.refetch, "refetch", false, "read settled windows again")
	flags.StringVar(&f.waive, "waive", "", "record the uncovered windows of --from --to as settled without rows, for this reason")
	flags.StringVar(&f.accounts, "accounts", "", "comma list of accounts, instead of all that are configured")
	flags.BoolVar(&f.asJSON, "json", false, jsonMeaning)
}

// declareSpan declares the flags of verbs that look at what the sink has.
func (f *selection) declareSpan(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.streams, "streams", "", "comma list of streams; without it all that the sink has, configured or not")
	flags.StringVar(&f.from, "from", "", "from this local date, or RFC 3339 instant")
	flags.StringVar(&f.to, "to", "", "to this local date (included), or before this RFC 3339 instant")
}

// parse checks the flags against each other.
func (f *selection) parse(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	if changed("accounts") && strings.TrimSpace(f.accounts) == "" {
		return usagef("`windrow streams` shows them behind an @; that of a source without several is default.", "--accounts names no account")
	}
	if changed("streams") && len(config.StreamList(f.streams)) == 0 {
		return usagef("`windrow streams` lists them.", "--streams names no stream")
	}
	from, err := bound("from", f.from, changed("from"))
	if err != nil {
		return err
	}
	to, err := bound("to", f.to, changed("to"))
	if err != nil {
		return err
	}
	if !from.IsZero() && !to.IsZero() && len(f.from) == len(f.to) && to.Before(from) {
		return usagef("", "--to %s is before --from %s", f.to, f.from)
	}
	if changed("waive") && (f.waive == "" || f.from == "" || f.to == "" || f.refetch) {
		return usagef("For "+waiveExample+".",
			"--waive needs a reason, --from and --to, and reads nothing again")
	}
	return nil
}

// bound parses one end of a span only to refuse what is neither form; the
// engine reads it in each account's zone.
func bound(flag, value string, given bool) (time.Time, error) {
	if !given {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("For example --"+flag+" 2025-09-01, or --"+flag+" 2025-09-01T00:00:00Z.", "--%s %q is neither a date nor an RFC 3339 instant", flag, value)
}

// apply narrows the engine's run.
func (f *selection) apply(e *engine.Engine) {
	e.Select = plan.Selection{From: f.from, To: f.to, FromName: "--from", ToName: "--to", Refetch: f.refetch}
}
