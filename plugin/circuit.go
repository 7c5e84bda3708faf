package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A circuit keeps calls of one capability away from a plugin that fails them: after some
// failures in a row it is open for a while, and calls go to others or fail at once; then
// one call may try. A failure is an answer that says that the plugin cannot serve, an
// answer that did not come although there was time for it, or a broken connection. What
// the function says about its input is none, and neither is a crash: that is for the
// supervisor.
type circuit struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
}

func (s *supervised) newCircuit(capability string) *circuit {
	pol := s.host.policy
	return &circuit{gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        capability,
		Timeout:     pol.circuitPause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= pol.circuitFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoVerdict) },
		OnStateChange: func(capability string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				s.log.Warn("plugin fails a capability, which is not asked of it for a while",
					"capability", capability, "failures", pol.circuitFailures, "pause", pol.circuitPause)
			case gobreaker.StateClosed:
				s.log.Info("plugin serves a capability again", "capability", capability)
			case gobreaker.StateHalfOpen:
			}
			s.host.changes.send()
		},
	})}
}

// errNoVerdict is the outcome of a call that says nothing about the plugin.
var errNoVerdict = errors.New("no verdict")

// allow reports whether a call may go to the plugin. If so, judge is to be called with
// what came of it, once.
func (c *circuit) allow(patience time.Duration) (judge func(started bool, err error), reason string) {
	done, err := c.breaker.Allow()
	if err != nil {
		return nil, "its circuit is open after failures in a row"
	}
	begun := time.Now()
	return func(started bool, err error) { done(verdict(started, err, time.Since(begun), patience)) }, ""
}

// open reports whether the circuit is open.
func (c *circuit) open() bool { return c.breaker.State() == gobreaker.StateOpen }

// verdict is nil for a plugin that has done its part.
func verdict(started bool, err error, took, patience time.Duration) error {
	var crash *CrashedError
	var answer *FunctionError
	switch {
	case err == nil:
		return nil
	case !started:
		return errNoVerdict // nobody waited for it, and whether it comes back is for the supervisor
	case errors.As(err, &crash):
		if crash.Exit != "" {
			return errNoVerdict
		}
		return err
	case errors.As(err, &answer):
		if answer.Code == codes.Unavailable || answer.Code == codes.DeadlineExceeded {
			return err
		}
		return nil
	case errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded:
		if took >= patience {
			return fmt.Errorf("no answer after %s: %w", took, err)
		}
	}
	return errNoVerdict
}
