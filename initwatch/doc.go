// Package initwatch names the init that hangs. Import it for its effect:
//
//	import _ "github.com/roster-go/roster/initwatch" // names an init that hangs
//
// If main is not reached within ten seconds, it writes to standard error which package
// initialises, in which init function or variable initialiser, at which file and line, what
// that waits for, and the calls that led there. A program that reaches main pays for one
// goroutine that sleeps for the ten seconds, looks once and ends.
//
// # Settings
//
// The environment variable ROSTER_INITWATCH holds the patience, as [time.ParseDuration] reads
// it ("500ms", "1m"), or "off". It is read with syscall.Getenv: package os is not imported, so
// that the watchdog need not wait for os to initialise. A value that cannot be read leaves the
// ten seconds.
//
// # How early it starts
//
// Go initialises packages one after the other, always the first by import path of those whose
// imports are ready. This package imports runtime, syscall and time (which imports syscall
// itself), package hang, which imports nothing, and nothing else; and its path sorts before
// internal/poll. So it is up right after time: before os, net and everything that needs them, which
// is all that can reach a file or the network.
//
// Truly first cannot be had. A package that needs less than time does, such as one that imports
// nothing, or only errors and sync, may initialise before the watchdog, which then never runs if that
// one hangs. If all goroutines sleep in it, the runtime says so at once; if it spins, or holds a C
// call, nothing does. roster doctor sees all of them. Being ready right after package runtime would
// take go:linkname to functions that a later Go may close, which would break the build of every
// program with this import.
//
// # What it costs
//
// The init takes 0.02 to 0.04 ms, 10 allocations and 3.5 kB (GODEBUG=inittrace=1), of which most is to
// read the environment for the first time, which package os would do next. The start of a whole
// process with os and net in it took 4.5 ms with, 4.3 ms without and 4.1 ms with the watchdog switched
// off (medians of 300 starts each, in turns, on a machine with other work): no difference that can be
// told from noise. An executable grows by 90 kB. BenchmarkStart and BenchmarkLook measure it.
//
// # What it cannot see
//
// A deadlock of all goroutines ends a program at once, with a report of the runtime. While the
// watchdog sleeps, the runtime waits: the report comes after the patience, behind the
// watchdog's, which is the clearer one. An init that spins without a call is seen, too: the
// runtime preempts it. A program that ends before the patience is over is not looked at.
//
// # Concurrency properties
//
// One goroutine, started in init, which ends by itself when main is reached, when the same init
// was reported once, or when goroutine 1 is gone. It holds no lock. To look, it stops the world
// for the time runtime.Stack takes to print all goroutines.
package initwatch
