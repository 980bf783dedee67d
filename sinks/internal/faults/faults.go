// Package faults makes the n-th call to a volume fail, once, so that a sweep over n = 0, 1, 2 … proves that no call is
// taken for granted.
//
// It is for tests. It fails whole calls. A failed Write leaves half of the bytes, and any other failed call may have
// had its effect. A draft that is published before it was synced fails always.
package faults

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// ErrInjected is the error of the failing call.
var ErrInjected = errors.New("injected fault")

// Plan says which call fails. One Plan serves one store.
type Plan struct {
	// N is the number of calls that go well before the failing one.
	N int
	// After lets the failing call do its work first: the answer is lost.
	After bool

	calls atomic.Int64
}

// Hit reports whether the failing call has come.
func (p *Plan) Hit() bool { return p.calls.Load() > int64(p.N) }

// do makes a call unless it is the failing one.
func (p *Plan) do(call func() error) error {
	if p.calls.Add(1)-1 != int64(p.N) {
		return call()
	}
	if p.After {
		return errors.Join(ErrInjected, call())
	}
	return ErrInjected
}

// Volume returns v under the plan. Its Close never fails: nothing depends on it.
func (p *Plan) Volume(v volume.Volume) volume.Volume { return faulty{v, p} }

type faulty struct {
	volume.Volume
	plan *Plan
}

func (f faulty) List(ctx context.Context, dir string) (names []string, err error) {
	err = f.plan.do(func() (err error) { names, err = f.Volume.List(ctx, dir); return })
	return names, err
}

func (f faulty) Between(ctx context.Context, dir, first, last string) (names []string, err error) {
	err = f.plan.do(func() (err error) { names, err = f.Volume.Between(ctx, dir, first, last); return })
	return names, err
}

func (f faulty) Read(ctx context.Context, name string) (body []byte, err error) {
	err = f.plan.do(func() (err error) { body, err = f.Volume.Read(ctx, name); return })
	return body, err
}

func (f faulty) Open(ctx context.Context, name string) (content volume.Content, err error) {
	err = f.plan.do(func() (err error) { content, err = f.Volume.Open(ctx, name); return })
	if err != nil && content != nil {
		return nil, errors.Join(err, content.Close())
	}
	return content, err
}

func (f faulty) Versions(ctx context.Context, names ...string) (versions []volume.Version, err error) {
	err = f.plan.do(func() (err error) { versions, err = f.Volume.Versions(ctx, names...); return })
	return versions, err
}

func (f faulty) Remove(ctx context.Context, objects ...volume.Object) error {
	return f.plan.do(func() error { return f.Volume.Remove(ctx, objects...) })
}

// Update fails before its turn has come, or once it is over.
func (f faulty) Update(ctx context.Context, write func(ctx context.Context, alone bool) error) error {
	return f.plan.do(func() error { return f.Volume.Update(ctx, write) })
}

func (f faulty) Probe(ctx context.Context) error {
	return f.plan.do(func() error { return f.Volume.Probe(ctx) })
}

func (f faulty) Draft(ctx context.Context) (volume.Draft, error) {
	var d volume.Draft
	err := f.plan.do(func() (err error) { d, err = f.Volume.Draft(ctx); return })
	if err != nil {
		if d != nil {
			err = errors.Join(err, d.Discard())
		}
		return nil, err
	}
	return &faultyDraft{Draft: d, plan: f.plan}, nil
}

// errUnsynced: a name was given to bytes that a power cut may take back.
var errUnsynced = errors.New("published before it was on stable storage")

type faultyDraft struct {
	volume.Draft
	plan   *Plan
	synced bool
}

func (d *faultyDraft) Write(b []byte) (n int, err error) {
	err = d.plan.do(func() (err error) { n, err = d.Draft.Write(b); return })
	if errors.Is(err, ErrInjected) && !d.plan.After {
		n, _ = d.Draft.Write(b[:len(b)/2])
	}
	return n, err
}

func (d *faultyDraft) Sync() error {
	d.synced = true
	return d.plan.do(d.Draft.Sync)
}

func (d *faultyDraft) Open() (r io.ReadCloser, err error) {
	err = d.plan.do(func() (err error) { r, err = d.Draft.Open(); return })
	if err != nil && r != nil {
		err = errors.Join(err, r.Close())
		r = nil
	}
	return r, err
}

func (d *faultyDraft) Publish(ctx context.Context, name string, over volume.Version) error {
	if !d.synced {
		return errUnsynced
	}
	return d.plan.do(func() error { return d.Draft.Publish(ctx, name, over) })
}

func (d *faultyDraft) Discard() error { return d.plan.do(d.Draft.Discard) }
