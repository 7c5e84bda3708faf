package plugin

import "time"

// A life is the process behind what serves a plugin, which may end by itself. An
// endpoint of somebody else's and a WebAssembly module have none of their own.
type life interface {
	pid() int
	// over is closed when the process has ended and is reaped; nil if none ever is.
	over() <-chan struct{}
	// ending is how it ended, once it is over, and the last lines that it wrote.
	ending() (exit string, lastWords []string)
	// ownExit is how it ended by itself; empty if it lives, or if the host ended it.
	ownExit() string
	// gone reports whether it is over, and waits for that for a while.
	gone(within time.Duration) bool
	signal(s groupSignal)
	// terminate asks it to end and kills it if it does not; kill kills it. They report
	// whether it is gone.
	terminate(grace time.Duration) bool
	kill() bool
}

// noLife is the life of what is not a process of this host's.
type noLife struct{}

func (noLife) pid() int                     { return 0 }
func (noLife) over() <-chan struct{}        { return nil }
func (noLife) ending() (string, []string)   { return "", nil }
func (noLife) ownExit() string              { return "" }
func (noLife) gone(time.Duration) bool      { return false }
func (noLife) signal(groupSignal)           {}
func (noLife) terminate(time.Duration) bool { return true }
func (noLife) kill() bool                   { return true }

var (
	_ life = noLife{}
	_ life = (*processRunner)(nil)
)

func (r *processRunner) over() <-chan struct{} { return r.exited }

func (r *processRunner) ending() (string, []string) { return r.exit, r.output.last() }
