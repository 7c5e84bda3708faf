package collector

import (
	"time"

	"github.com/roster-go/roster"
)

// An Option adjusts a [Registry] when it is created.
type Option func(*settings)

type settings struct {
	core    []roster.HotOption
	atOnce  int
	timeout time.Duration
}

const (
	defaultAtOnce  = 16
	defaultTimeout = 10 * time.Second
)

// With passes options on to the registry of the described names: above all
// [roster.Named], which gives it the name that errors and the directory use,
// and [roster.In].
func With(opts ...roster.Option) Option {
	return func(s *settings) {
		for _, opt := range opts {
			s.core = append(s.core, opt)
		}
	}
}

// AtOnce bounds how many collectors a Gather calls at the same time. It is 16
// if not set, and at least 1. One that was given up does not count.
func AtOnce(n int) Option {
	return func(s *settings) { s.atOnce = max(n, 1) }
}

// Timeout bounds how long a Gather waits for each collector, from the moment it
// is called. It is 10 seconds if not set. Collectors that are called shortly one
// after the other share a context, so that one may have a hundredth less. With 0
// or less only the context of Gather bounds it; if that has no deadline, a
// collector that hangs makes Gather hang.
func Timeout(d time.Duration) Option {
	return func(s *settings) { s.timeout = d }
}
