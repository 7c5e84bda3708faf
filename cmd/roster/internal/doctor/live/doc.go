// Package live reads how far a Go process is from its memory, and leaves it running.
//
// On Linux /proc/PID/mem can be read by whoever may trace the process. The linker lists the init
// tasks of all packages, in their order, under the symbol go:main.inittasks; the runtime keeps in
// each whether it is done. Goroutines are found through runtime.allgs, with the layout that the
// program's debug information gives, and their calls by frame pointers, which Go keeps on amd64 and
// arm64. Position-independent executables are read, too.
//
// A goroutine that runs has its registers in a processor: for those its thread is stopped for some
// microseconds with ptrace, on amd64 alone.
//
// # Limits
//
// The process runs on while it is read, so a goroutine that is not at rest may give calls that never
// stood together; what is impossible is dropped. At most [hang.MaxGoroutines] goroutines with
// [hang.MaxFrames] calls are read. Symbols are needed (no -ldflags=-s), debug information for calls
// and lines (no -ldflags=-w).
//
// # Concurrency properties
//
// A Process is used by one goroutine at a time.
package live
