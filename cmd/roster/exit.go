package main

import (
	"errors"

	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

// Exit codes. They are documented in the help text and do not change.
const (
	exitOK          = 0
	exitFailure     = 1 // anything that has no code of its own
	exitUsage       = 2 // arguments, a config file or a JSON text that cannot be used
	exitNotFound    = 3 // nobody serves the capability, or there is no such thing
	exitUnavailable = 4 // no daemon answers, or nobody could take or finish the call in time
	exitRefused     = 5 // the capability itself answered with an error, or an order was refused
	exitIncomplete  = 6 // an order is out, and not everybody has acknowledged it
	exitDenied      = 7 // the daemon does not know who asks, or his role is not enough
	exitHangs       = 8 // a program hangs before it reaches main
)

const exitCodesHelp = `Exit codes:
  0  success
  1  a failure without a code of its own
  2  arguments, a config file or a JSON text that cannot be used
  3  nobody serves the capability
  4  no daemon answers, or nobody could take or finish the call in time
  5  the capability itself answered with an error, or an order was refused
  6  an order is out, and not everybody has acknowledged it
  7  the daemon does not know who asks, or his role is not enough
  8  a program hangs before it reaches main`

// A usageError is the caller's mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var (
		usage       usageError
		config      *daemon.ConfigError
		unreachable *unreachableError
		refused     *callError
		wrapped     *commandError
		order       *orderError
		interrupted *interruptedOrderError
		notThere    *notThereError
		diagnosed   *diagnosis
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &order):
		return order.exitCode()
	case errors.As(err, &interrupted):
		return exitIncomplete
	case errors.As(err, &diagnosed):
		return diagnosed.code
	case errors.As(err, &wrapped):
		return wrapped.code()
	case errors.As(err, &usage), errors.As(err, &config):
		return exitUsage
	case errors.As(err, &notThere):
		return exitNotFound
	case errors.As(err, &unreachable):
		return exitUnavailable
	case errors.As(err, &refused):
		return refused.exitCode()
	default:
		return exitFailure
	}
}
