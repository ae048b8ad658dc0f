//go:build !race && !msan && !asan

package child

// shadowed says that this program was built with a sanitizer.
const shadowed = false
