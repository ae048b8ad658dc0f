package check

import "context"

// The guard measures, on syntax trees alone, what go/types would otherwise
// find out the hard way. It resolves names without scopes: a name of a
// package means everything in the package declared by that name, the largest
// counts, and a method name means the methods of all types. So it may
// overestimate, but hiding one declaration behind another does not help.

// guard refuses units whose declarations would exhaust the stack, memory or
// patience.
func guard(ctx context.Context, units []*unit, lim Limits) error {
	d := collectDecls(units)
	for _, step := range []func() error{
		func() error { return d.guardReferences(lim) },
		func() error { return d.guardTypes(lim) },
		func() error { return d.guardEmbedding(lim) },
		func() error { return d.guardAliases(lim) },
		func() error { return d.guardConstants(lim) },
		func() error { return d.guardInference(lim) },
		func() error { return d.guardInitOrder(units, lim) },
	} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
