//go:build race || msan || asan

package child

// shadowed says that this program, and so most likely its workers, was built
// with a sanitizer. Those map terabytes of shadow memory, writable and never
// touched: a limit of such memory would end them as they start.
const shadowed = true
