//go:build !invariants

package invariant

// Enabled says whether the checks are compiled in: build with -tags invariants.
const Enabled = false
