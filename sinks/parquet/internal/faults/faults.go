// Package faults makes the n-th call to a store's files fail, once, so that a
// sweep over n = 0, 1, 2 … proves that no call is taken for granted.
//
// It is for tests. It fails whole calls; half a file is what a failed Write
// leaves, and a call may have had its effect although it failed. A Temp that is
// placed before it was synced fails always.
package faults

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/windrow-data/windrow/sinks/parquet/internal/files"
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

// Files returns f under the plan.
func (p *Plan) Files(f files.Files) files.Files { return faultyFiles{f, p} }

// Site returns s under the plan. Its Close never fails: nothing depends on it.
func (p *Plan) Site(s files.Site) files.Site { return faultySite{s, p} }

type faultyFiles struct {
	files.Files
	plan *Plan
}

func (f faultyFiles) List(ctx context.Context, dir string) (names []string, err error) {
	err = f.plan.do(func() (err error) { names, err = f.Files.List(ctx, dir); return })
	return names, err
}

func (f faultyFiles) Between(ctx context.Context, dir, first, last string) (names []string, err error) {
	err = f.plan.do(func() (err error) { names, err = f.Files.Between(ctx, dir, first, last); return })
	return names, err
}

func (f faultyFiles) Read(ctx context.Context, name string) (body []byte, err error) {
	err = f.plan.do(func() (err error) { body, err = f.Files.Read(ctx, name); return })
	return body, err
}

func (f faultyFiles) Create(ctx context.Context, name string, body []byte) error {
	return f.plan.do(func() error { return f.Files.Create(ctx, name, body) })
}

func (f faultyFiles) Append(ctx context.Context, name string, line []byte) error {
	return f.plan.do(func() error { return f.Files.Append(ctx, name, line) })
}

func (f faultyFiles) Remove(ctx context.Context, names ...string) error {
	return f.plan.do(func() error { return f.Files.Remove(ctx, names...) })
}

func (f faultyFiles) Temp(ctx context.Context) (files.Temp, error) {
	var t files.Temp
	err := f.plan.do(func() (err error) { t, err = f.Files.Temp(ctx); return })
	if err != nil {
		if t != nil {
			err = errors.Join(err, t.Discard())
		}
		return nil, err
	}
	return &faultyTemp{Temp: t, plan: f.plan}, nil
}

// errUnsynced: a name was given to bytes that a power cut may take back.
var errUnsynced = errors.New("placed before it was on stable storage")

type faultyTemp struct {
	files.Temp
	plan   *Plan
	synced bool
}

func (t *faultyTemp) Write(b []byte) (n int, err error) {
	err = t.plan.do(func() (err error) { n, err = t.Temp.Write(b); return })
	if errors.Is(err, ErrInjected) && !t.plan.After {
		n, _ = t.Temp.Write(b[:len(b)/2])
	}
	return n, err
}

func (t *faultyTemp) Sync() error {
	t.synced = true
	return t.plan.do(t.Temp.Sync)
}

func (t *faultyTemp) Open() (r io.ReadCloser, err error) {
	err = t.plan.do(func() (err error) { r, err = t.Temp.Open(); return })
	if err != nil && r != nil {
		err = errors.Join(err, r.Close())
		r = nil
	}
	return r, err
}

func (t *faultyTemp) Place(ctx context.Context, name string) error {
	if !t.synced {
		return errUnsynced
	}
	return t.plan.do(func() error { return t.Temp.Place(ctx, name) })
}

func (t *faultyTemp) Discard() error { return t.plan.do(t.Temp.Discard) }

type faultySite struct {
	files.Site
	plan *Plan
}

func (s faultySite) Lock(ctx context.Context) (func(), error) {
	var release func()
	err := s.plan.do(func() (err error) { release, err = s.Site.Lock(ctx); return })
	if err != nil && release != nil {
		release()
	}
	return release, err
}

func (s faultySite) Probe(ctx context.Context) error {
	return s.plan.do(func() error { return s.Site.Probe(ctx) })
}
