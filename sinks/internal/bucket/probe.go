package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// ignored is the error of a store that does what it should have refused.
func ignored(what string) error {
	return &pipeline.Error{Op: "try the store's conditions", Kind: pipeline.Invalid,
		Err:  fmt.Errorf("the store ignores conditions: it %s; two runs at once would undo each other's work", what),
		Hint: "use a store that obeys If-Match and If-None-Match, or update this one to a version that does, or write to a directory"}
}

// Probe implements [volume.Volume].
func (v *Volume) Probe(ctx context.Context) error {
	name := v.Private + "/probe/" + strings.ToLower(rand.Text())
	err := v.probe(ctx, name)
	if _, left := v.object(context.WithoutCancel(ctx), name); left == nil {
		err = errors.Join(err, v.Remove(context.WithoutCancel(ctx), volume.Object{Name: name, Version: volume.Any}))
	}
	return err
}

// fence is whether the store obeys the condition of a removal, once that is known.
type fence struct {
	known, stands bool
}

// fenced reports [volume.ErrUnfenced] where the store ignores the condition of a removal, which it finds out once.
func (v *Volume) fenced(ctx context.Context) error {
	v.mu.Lock()
	known := v.fence
	v.mu.Unlock()
	if !known.known {
		stands, err := v.tryFence(ctx, v.Private+"/probe/"+strings.ToLower(rand.Text()))
		if err != nil {
			return err
		}
		known = fence{known: true, stands: stands}
		v.mu.Lock()
		v.fence = known
		v.mu.Unlock()
	}
	if !known.stands {
		return volume.ErrUnfenced
	}
	return nil
}

// tryFence removes an object of another version than it has.
func (v *Volume) tryFence(ctx context.Context, name string) (stands bool, err error) {
	if err := volume.Put(ctx, v, name, []byte("one")); err != nil {
		return false, err
	}
	first, err := v.object(ctx, name)
	if err == nil {
		err = volume.Put(ctx, v, name, []byte("two"))
	}
	if err == nil {
		_, err = v.retry(ctx, 0, func(ctx context.Context) error { return v.Driver.Remove(ctx, v.key(name), first.Version) })
		stands = errors.Is(err, volume.ErrChanged)
		if stands || errors.Is(err, volume.ErrUnfenced) {
			err = nil
		}
	}
	return stands, errors.Join(err, v.Remove(context.WithoutCancel(ctx), volume.Object{Name: name, Version: volume.Any}))
}

func (v *Volume) probe(ctx context.Context, name string) error {
	put := func(text string, over volume.Version) error { return volume.Replace(ctx, v, name, []byte(text), over) }
	if _, err := v.object(ctx, name); !errors.Is(err, fs.ErrNotExist) { // asked first: some stores make a bucket for whoever writes
		return err
	}
	if err := put("one", volume.Absent); err != nil {
		return err
	}
	first, err := v.object(ctx, name)
	if err != nil {
		return err
	}
	if err := refused(put("created again", volume.Absent), "created an object that was there"); err != nil {
		return err
	}
	if err := put("two", first.Version); err != nil {
		return err
	}
	if err := refused(put("late", first.Version), "replaced an object of another version than the named one"); err != nil {
		return err
	}
	err = v.Remove(ctx, volume.Object{Name: name, Version: first.Version})
	if !errors.Is(err, volume.ErrUnfenced) { // whose objects are emptied instead
		if err := refused(err, "removed an object of another version than the named one"); err != nil {
			return err
		}
	}
	is, err := v.Read(ctx, name)
	if err == nil && string(is) != "two" {
		err = &pipeline.Error{Op: "try the store", Kind: pipeline.SinkFailed, Err: fmt.Errorf("%s does not hold what was written", v.key(name))}
	}
	if err != nil {
		return err
	}
	if err := v.Remove(ctx, volume.Object{Name: name, Version: volume.Any}); err != nil {
		return err
	}
	if err := refused(put("over nothing", first.Version), "replaced an object that was not there"); err != nil {
		return err
	}
	return nil
}

// refused makes an error of what should have been refused and was not.
func refused(err error, what string) error {
	if err == nil {
		return ignored(what)
	}
	if errors.Is(err, volume.ErrChanged) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
