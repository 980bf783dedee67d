package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func (a *app) adoptCommand() *cobra.Command {
	var source, account string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "adopt", Short: "Takes an account's data in the sink for those of the configured host", Args: noArgs,
		Long: `Each account's data in the sink are of one tenant: a host, and of Chat-Tonic the bot,
of Dialpad the company that its answers tell. A sync for another one is refused. Where a
host was renamed, and the data are of one and the same, this tells the ledger so: what
the variables of the source name now counts from then on. It asks no vendor and changes
no table. What only an answer can tell is noted by the next sync.`,
		Example: "  windrow adopt --source ucontact",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configure()
			if err != nil {
				return err
			}
			k := pipeline.TenantKey{Source: pipeline.SourceID(source), Account: pipeline.AccountID(account)}
			return a.adopt(cmd.Context(), s, k, asJSON)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "the source, as in the names of its streams")
	cmd.Flags().StringVar(&account, "account", "", "the account of that source, where it has several")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// adopt records the owner that the configuration names in the account's ledgers.
func (a *app) adopt(ctx context.Context, s *setup, k pipeline.TenantKey, asJSON bool) error {
	t, err := s.tenantOf(k)
	if err != nil {
		return err
	}
	source, err := t.open(connectors.Options{Clock: a.now, Now: a.now})
	if err != nil {
		return err
	}
	k, owner := t.TenantKey, source.Streams()[0].Owner()
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	adopted, streams, err := (&engine.Engine{Store: store, Now: a.now}).Adopt(ctx, k, owner)
	err = errors.Join(s.target.explain(s.Sink, err), store.Close())
	if err != nil {
		return err
	}
	if asJSON {
		return show.AdoptionJSON(a.stdout, k, owner, adopted)
	}
	return errors.Join(show.Adoption(a.stdout, k, owner, adopted, streams), show.Sink(a.stdout, s.where()))
}

// tenantOf finds the account that the flags name: its source's only one where they name none. It is configured, for its
// variables tell whose data it has.
func (s *setup) tenantOf(k pipeline.TenantKey) (*tenant, error) {
	var sources []string
	var of []*tenant
	for _, t := range s.tenants {
		if !slices.Contains(sources, string(t.Source)) {
			sources = append(sources, string(t.Source))
		}
		if t.Source == k.Source {
			of = append(of, t)
		}
	}
	switch {
	case k.Source == "":
		return nil, usagef("For example --source "+sources[0]+".", "--source is missing: it names one of %s", strings.Join(sources, ", "))
	case len(of) == 0:
		return nil, usagef(didYouMean(string(k.Source), sources), "--source %s is none of %s", k.Source, strings.Join(sources, ", "))
	case k.Account == "" && len(of) == 1:
		k.Account = of[0].Account
	}
	accounts := make([]string, len(of))
	for i, t := range of {
		accounts[i] = string(t.Account)
	}
	i := slices.Index(accounts, string(k.Account))
	switch {
	case k.Account == "":
		return nil, usagef("For example --account "+accounts[0]+".", "--account is missing: %s has %s", k.Source, strings.Join(accounts, ", "))
	case i < 0:
		return nil, usagef(didYouMean(string(k.Account), accounts)+"It has "+strings.Join(accounts, ", ")+".", "--account %s: %s has no such account", k.Account, k.Source)
	case !of[i].configured:
		return nil, usagef("Set "+strings.Join(of[i].streams[0].Missing, ", ")+".", "%s is not configured, so nobody tells whose its data are", k.Label())
	}
	return of[i], nil
}
