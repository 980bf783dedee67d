package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// Tenants is whose data the ledgers tell of, and whose the sources would bring, by account.
type Tenants struct {
	list   []tenancy
	remedy func(pipeline.TenantKey) string
}

// tenancy is one stream's ledger beside the source of its account.
type tenancy struct {
	key   pipeline.StreamKey
	noted pipeline.Owner        // by the ledger
	owner func() pipeline.Owner // of what the source brings; nil: it is not known
}

func (t tenancy) account() pipeline.TenantKey {
	return pipeline.TenantKey{Source: t.key.Stream.Source(), Account: t.key.Account}
}

// Refused is an account that has the data of another tenant than its source would bring.
type Refused struct {
	Account pipeline.TenantKey
	Err     error // of kind OtherTenant
}

// Refused lists those accounts, as far as their sources know by now.
func (t Tenants) Refused() (list []Refused) {
	for _, one := range t.list {
		if one.owner == nil || slices.ContainsFunc(list, func(r Refused) bool { return r.Account == one.account() }) {
			continue
		}
		if now := one.owner(); one.noted.Contradicts(now) {
			list = append(list, Refused{one.account(), t.refuse(one.account(), one.noted, now)})
		}
	}
	return list
}

// Refusal is the errors of all accounts that are refused; nil where there is none.
func (t Tenants) Refusal() error {
	var errs []error
	for _, r := range t.Refused() {
		errs = append(errs, r.Err)
	}
	return errors.Join(errs...)
}

// refuse is the error of an account whose data in the sink are of noted, and which would bring those of other.
func (t Tenants) refuse(k pipeline.TenantKey, noted, other pipeline.Owner) error {
	return advised(pipeline.OfOther(noted, other), k, t.remedy)
}

// advised is an error of kind OtherTenant with the account and the remedies.
func advised(err error, k pipeline.TenantKey, remedy func(pipeline.TenantKey) string) error {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	told := *e
	told.Err = fmt.Errorf("%s: %w", k.Label(), e.Err)
	if remedy != nil {
		told.Hint = remedy(k)
	}
	return &told
}

// Tenants reads the ledgers of the streams that runs read. A ledger that is damaged tells nothing.
func (e *Engine) Tenants(ctx context.Context) (Tenants, error) {
	streams, err := e.selected()
	if err != nil {
		return Tenants{}, err
	}
	noted := make([]pipeline.Owner, len(streams))
	err = e.eachLedger(ctx, streams, func(i int, l *pipeline.Ledger, _ []pipeline.Entry, damaged error) error {
		if damaged == nil {
			noted[i] = l.Owner()
		}
		return nil
	})
	if err != nil {
		return Tenants{}, err
	}
	return e.tenantsOf(ctx, streams, noted)
}

// tenantsOf are the tenants that the ledgers of the streams note. The accounts of which none does are looked for in the
// ledgers of their other streams: a choice of streams may be new to an account that has an owner.
func (e *Engine) tenantsOf(ctx context.Context, streams []sourceStream, noted []pipeline.Owner) (Tenants, error) {
	t := Tenants{remedy: e.TenantRemedy}
	told := make(map[pipeline.TenantKey]bool)
	untold := make(map[pipeline.TenantKey]tenancy)
	for i, s := range streams {
		one := tenancy{s.Key, noted[i], s.Owner}
		t.list = append(t.list, one)
		told[one.account()] = told[one.account()] || one.noted != ""
	}
	for _, one := range t.list {
		if !told[one.account()] && one.owner != nil {
			untold[one.account()] = one
		}
	}
	if len(untold) == 0 {
		return t, nil
	}
	known, err := e.Store.Streams(ctx)
	if err != nil {
		return t, err
	}
	for _, k := range known {
		one, ok := untold[pipeline.TenantKey{Source: k.Stream.Source(), Account: k.Account}]
		if !ok || slices.ContainsFunc(streams, func(s sourceStream) bool { return s.Key == k }) {
			continue
		}
		l, err := e.Store.Ledger(ctx, k)
		switch {
		case pipeline.KindOf(err) == pipeline.Damaged:
		case err != nil:
			return t, err
		default:
			t.list = append(t.list, tenancy{k, l.Owner(), one.owner})
		}
	}
	return t, nil
}

// noted is what the ledgers note of an account's owner.
func (t Tenants) noted(k pipeline.TenantKey) (owner pipeline.Owner) {
	for _, one := range t.list {
		if one.account() == k {
			owner = owner.And(one.noted)
		}
	}
	return owner
}

// ownerOf is whose rows a job has read: what its source knows by now, and the units that the rows name. It is an error of
// kind OtherTenant where the ledger, or what the run has read before, tells of another.
func (r *run) ownerOf(j job, units []string) (owner pipeline.Owner, err error) {
	if j.stream.Owner == nil {
		return "", nil
	}
	if len(units) == 0 {
		units = []string{""}
	}
	k := pipeline.TenantKey{Source: j.stream.Key.Stream.Source(), Account: j.stream.Key.Account}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, unit := range units {
		told := j.stream.Owner().Of(unit)
		if j.stream.Mask != nil {
			told = pipeline.Owner(j.stream.Mask.Raw(string(told)))
		}
		known := r.tenants.noted(k).And(r.owners[k])
		if known.Contradicts(told) {
			return "", r.tenants.refuse(k, known, told)
		}
		r.owners[k] = known.And(told)
	}
	return r.owners[k], nil
}

// Adoption is a stream whose ledger has been told of another owner.
type Adoption struct {
	Stream pipeline.StreamKey
	Former pipeline.Owner // empty where none was noted
}

// Adopt records in the ledgers of an account that their data are of the owner from now on, and returns those that told
// otherwise, and how many streams the account has. After an error some may have been told; a repeat tells the others.
func (e *Engine) Adopt(ctx context.Context, k pipeline.TenantKey, owner pipeline.Owner) (adopted []Adoption, streams int, err error) {
	known, err := e.Store.Streams(ctx)
	if err != nil {
		return nil, 0, err
	}
	id := pipeline.NewSyncID(e.Now())
	var errs []error
	for _, s := range known {
		if s.Stream.Source() != k.Source || s.Account != k.Account {
			continue
		}
		streams++
		l, err := e.Store.Ledger(ctx, s)
		if err == nil && l.Owner() != owner {
			err = e.Store.Record(ctx, s, pipeline.Entry{Kind: pipeline.EntryAdopt, SyncID: id, CommittedAt: pipeline.InstantOf(e.Now()), Note: string(owner)})
			if err == nil {
				adopted = append(adopted, Adoption{s, l.Owner()})
			}
		}
		errs = append(errs, err)
	}
	return adopted, streams, errors.Join(errs...)
}
