package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

// vendor is a connector as the command line sees it.
type vendor struct {
	id        pipeline.SourceID
	variables []config.Variable
	// load reads the vendor's variables and understands them: one tenant for
	// each account, at least one, configured or not.
	load func() ([]*tenant, []pipeline.ConfigError, error)
}

// account is one account of a vendor, and what its variables begin with.
type account struct {
	id     pipeline.AccountID
	prefix string
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
}

// settingsOf is what a connector's struct of variables can do.
type settingsOf[S any] interface {
	Configured() bool
	Settings(prefix string) (*S, []pipeline.ConfigError)
}

// connector fits a connector package into the list of vendors: C is its struct
// of variables, S what they mean. It has one account, whose variables name none.
func connector[C settingsOf[S], S any, R pipeline.Source](
	id pipeline.SourceID,
	open func(*S, connectors.Options) (R, error),
	streams func(*S, pipeline.AccountID, pipeline.Policy) []pipeline.Stream,
) vendor {
	return connectorOf[C](id, open, streams, account{pipeline.DefaultAccount, config.SourcePrefix(id)})
}

// connectorOf is a connector with any number of accounts.
func connectorOf[C settingsOf[S], S any, R pipeline.Source](
	id pipeline.SourceID,
	open func(*S, connectors.Options) (R, error),
	streams func(*S, pipeline.AccountID, pipeline.Policy) []pipeline.Stream,
	accounts ...account,
) vendor {
	v := vendor{id: id}
	for _, of := range accounts {
		v.variables = append(v.variables, config.Variables(of.prefix, new(C))...)
	}
	v.load = func() (tenants []*tenant, faults []pipeline.ConfigError, err error) {
		for _, of := range accounts {
			t, wrong, err := loadTenant[C](pipeline.TenantKey{Source: id, Account: of.id}, of.prefix, open, streams)
			if err != nil {
				return nil, nil, err
			}
			tenants, faults = append(tenants, t), append(faults, wrong...)
		}
		return tenants, faults, nil
	}
	return v
}

// loadTenant reads the variables of one account.
func loadTenant[C settingsOf[S], S any, R pipeline.Source](
	key pipeline.TenantKey, prefix string,
	open func(*S, connectors.Options) (R, error),
	streams func(*S, pipeline.AccountID, pipeline.Policy) []pipeline.Stream,
) (*tenant, []pipeline.ConfigError, error) {
	var c C
	if err := config.Fill(prefix, &c); err != nil {
		return nil, nil, err
	}
	t := &tenant{TenantKey: key}
	if !c.Configured() {
		t.idle = present(config.Variables(prefix, new(C)))
		t.streams = streams(nil, key.Account, pipeline.Policy{})
		return t, nil, nil
	}
	settings, faults := c.Settings(prefix)
	if len(faults) > 0 {
		t.faulty, t.streams = true, streams(nil, key.Account, pipeline.Policy{})
		return t, faults, nil
	}
	t.configured = true
	if l, ok := any(settings).(interface{ RealVendor() bool }); ok {
		t.live = l.RealVendor()
	}
	t.streams = streams(settings, key.Account, pipeline.Policy{})
	t.open = func(o connectors.Options) (pipeline.Source, error) {
		o.Account = key.Account
		source, err := open(settings, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.Label(), err)
		}
		return source, nil
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

func (f scoped) Streams() []pipeline.Stream {
	streams := slices.Clone(f.Source.Streams()) // the source's own is read by others meanwhile
	for i := range streams {
		streams[i].From, streams[i].Intraday = f.from, f.intraday
	}
	return streams
}
