package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// vendor is a connector as the command line sees it.
type vendor struct {
	id        pipeline.SourceID
	variables []config.Variable // of the source; an account's are the same ones, under its prefix
	// accounts reads which accounts there are, of which each has the variables of spec.
	accounts func() ([]config.Account, []pipeline.ConfigError)
	spec     any
	// load reads the vendor's variables and understands them: one tenant for
	// each account, at least one, configured or not. The policy is that of all their streams.
	load func(pipeline.Policy) ([]*tenant, []pipeline.ConfigError, error)
	// remake makes an account's streams again of the settings that shaped their rows. What answers mean is as in meant, where
	// that is not nil. Personal data fare by the policy.
	remake func(account pipeline.AccountID, p pipeline.Policy, shape, meant map[string]string) []pipeline.Stream
}

// tenant is one account of a vendor under the present configuration.
type tenant struct {
	pipeline.TenantKey
	// idle names the variables that are set although the source is not configured.
	idle       []string
	configured bool
	faulty     bool // its variables have faults
	// live: the host is the vendor's own, whose clock --as-of cannot move.
	live    bool
	streams []pipeline.Stream
	open    func(connectors.Options) (pipeline.Source, error)
	hub     func(connectors.Options) (push.Hub, error) // nil where the vendor has no outbound hubs
}

// settingsOf is what a connector's struct of variables can do.
type settingsOf[S any] interface {
	Configured() bool
	Settings(prefix string) (*S, []pipeline.ConfigError)
}

// connector fits a connector package into the list of vendors: C is its struct
// of variables, S what they mean. hub opens its outbound hubs; nil where it has none.
func connector[C settingsOf[S], S any, R pipeline.Source](
	id pipeline.SourceID,
	open func(*S, connectors.Options) (R, error),
	streams func(*S, pipeline.AccountID, pipeline.Policy) []pipeline.Stream,
	hub func(*S, connectors.Options) (push.Hub, error),
) vendor {
	v := vendor{id: id, spec: new(C)}
	prefix := config.SourcePrefix(id)
	v.variables = append(config.Variables(prefix, v.spec), config.Variables(prefix, new(config.Accounts))...)
	v.accounts = func() ([]config.Account, []pipeline.ConfigError) {
		return config.AccountsOf(id, pipeline.DefaultAccount, v.spec)
	}
	v.remake = func(account pipeline.AccountID, p pipeline.Policy, shape, meant map[string]string) []pipeline.Stream {
		var c C
		config.Remake(&c, shape, meant)
		settings, _ := c.Settings(prefix) // the credentials are missing, and nobody calls
		return streams(settings, account, p)
	}
	v.load = func(p pipeline.Policy) (tenants []*tenant, faults []pipeline.ConfigError, err error) {
		accounts, faults := v.accounts()
		for _, of := range accounts {
			t, wrong, err := loadTenant[C](id, of, p, open, streams, hub)
			if err != nil {
				return nil, nil, err
			}
			tenants = append(tenants, t)
			for _, f := range wrong {
				if f = of.AsTyped(f, id, v.spec); !slices.Contains(faults, f) { // a fault of a variable that they share is told once
					faults = append(faults, f)
				}
			}
		}
		return tenants, faults, nil
	}
	return v
}

// loadTenant reads the variables of one account.
func loadTenant[C settingsOf[S], S any, R pipeline.Source](
	id pipeline.SourceID, of config.Account, p pipeline.Policy,
	open func(*S, connectors.Options) (R, error),
	streams func(*S, pipeline.AccountID, pipeline.Policy) []pipeline.Stream,
	hub func(*S, connectors.Options) (push.Hub, error),
) (*tenant, []pipeline.ConfigError, error) {
	key, prefix := pipeline.TenantKey{Source: id, Account: of.ID}, of.Prefix
	var c C
	fill := config.Fill
	if of.Named {
		fill = func(prefix string, spec any) error { return config.FillAccount(prefix, config.SourcePrefix(id), spec) }
	}
	if err := fill(prefix, &c); err != nil {
		return nil, nil, err
	}
	t := &tenant{TenantKey: key}
	if !c.Configured() && !of.Named {
		t.idle = present(config.Variables(prefix, new(C)))
		t.streams = streams(nil, key.Account, p)
		return t, nil, nil
	}
	settings, faults := c.Settings(prefix)
	if len(faults) > 0 {
		t.faulty, t.streams = true, streams(nil, key.Account, p)
		return t, faults, nil
	}
	t.configured = true
	if l, ok := any(settings).(interface{ RealVendor() bool }); ok {
		t.live = l.RealVendor()
	}
	t.streams = streams(settings, key.Account, p)
	t.open = func(o connectors.Options) (pipeline.Source, error) {
		o.Account, o.Policy = key.Account, p
		source, err := open(settings, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.Label(), err)
		}
		return source, nil
	}
	if hub != nil {
		t.hub = func(o connectors.Options) (push.Hub, error) {
			o.Account = key.Account
			return hub(settings, o)
		}
	}
	return t, nil, nil
}

// present names the variables that are set.
func present(variables []config.Variable) []string {
	var names []string
	for _, v := range variables {
		if os.Getenv(v.Name) != "" {
			names = append(names, v.Name)
		}
	}
	return names
}

// scoped gives every stream of a source what WINDROW_FROM and WINDROW_INTRADAY say,
// which is the same for all of them.
type scoped struct {
	pipeline.Source
	from     string
	intraday bool
}

// Prove implements [pipeline.Prover], where the source does; otherwise it is Check.
func (f scoped) Prove(ctx context.Context, streams []pipeline.StreamID) []pipeline.Proof {
	if p, ok := f.Source.(pipeline.Prover); ok {
		return p.Prove(ctx, streams)
	}
	return []pipeline.Proof{{Err: f.Check(ctx)}}
}

// Targets implements [pipeline.TargetLister], where the source does.
func (f scoped) Targets(ctx context.Context) ([]pipeline.Target, error) {
	if l, ok := f.Source.(pipeline.TargetLister); ok {
		return l.Targets(ctx)
	}
	return nil, nil
}

func (f scoped) Streams() []pipeline.Stream {
	streams := slices.Clone(f.Source.Streams()) // the source's own is read by others meanwhile
	for i := range streams {
		streams[i].From, streams[i].Intraday = f.from, f.intraday
	}
	return streams
}
