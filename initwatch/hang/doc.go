// Package hang reads the goroutine dump of a Go program and says which init hangs, and on what.
//
// It is what initwatch and roster doctor know in common. Both formats of the runtime are read:
// that of SIGQUIT, SIGABRT, panics, runtime.Stack and the pprof profile "goroutine?debug=2", and
// that of "all goroutines are asleep - deadlock!", which lacks the runtime's own calls.
//
// It imports nothing, so that initwatch initialises before nearly everything else.
//
// # Limits
//
// At most [MaxGoroutines] goroutines with [MaxFrames] calls each are kept; goroutine 1 always is.
// A dump that is cut short or is no dump at all gives what could be read of it, never a panic.
//
// # How a cause is found
//
// By the state that the runtime writes and by the calls of the standard library between the wait and
// the innermost call of the user's own code: a lookup of a name shows the state "chan receive", an
// HTTP request "select", and both are named for what they are. That an init waits for a goroutine
// that is to register something is a guess, from names that contain "regist", and is said as one.
//
// # Concurrency properties
//
// Functions of their arguments; nothing is shared.
package hang
