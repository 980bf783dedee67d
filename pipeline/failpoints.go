package pipeline

import "context"

type pointsKey struct{}

// WithPoints returns a context in which every [Point] calls at. Tests use it
// to kill the process at a named step of a commit; nothing else does.
func WithPoints(ctx context.Context, at func(name string)) context.Context {
	return context.WithValue(ctx, pointsKey{}, at)
}

// Point marks a step after which a crash must be harmless. Names are
// "package.step": engine.sealed, parquet.begun.
func Point(ctx context.Context, name string) {
	if at, ok := ctx.Value(pointsKey{}).(func(string)); ok {
		at(name)
	}
}
