package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Service is what [Serve] runs: a server that is announced while it serves.
type Service struct {
	// Instances are announced once Start has been called. Required.
	Instances []Instance
	// Start serves until Stop is called, or it fails. Required.
	Start func() error
	// Stop ends Start in good order: what is under way is finished, nothing new is taken.
	// It should return soon after its ctx ends. Required.
	Stop func(ctx context.Context) error
	// Linger is how long the server goes on to serve after its instances are gone, since a
	// reader needs a moment to see that. 500 ms if zero, not at all if negative.
	Linger time.Duration
	// Timeout bounds leaving and Stop together, 30 s if zero.
	Timeout time.Duration
}

// Serve announces a server while it serves, and takes it out of the fleet before it stops:
// no caller that follows the fleet is left with a closed port.
//
// When ctx ends it closes the announcement, lingers, and calls Stop. When Start returns by
// itself it closes the announcement at once. It returns when both are done: nil after an
// orderly stop, otherwise what failed. A store that cannot be reached does not keep the
// server from serving; see [Registrar].
func Serve(ctx context.Context, registrar Registrar, s Service) error {
	const (
		linger  = 500 * time.Millisecond
		timeout = 30 * time.Second
	)
	if s.Linger == 0 {
		s.Linger = linger
	}
	if s.Timeout <= 0 {
		s.Timeout = timeout
	}
	if _, err := ByKey(s.Instances); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Start() }()

	announcement, err := registrar.Announce(ctx, s.Instances)
	leave := func(context.Context) error { return nil }
	if err == nil {
		leave = announcement.Close
	} else if ctx.Err() != nil {
		err = nil // stopped before it was announced
	}
	if err != nil {
		err = fmt.Errorf("discovery: announce a server: %w", err)
	} else {
		select {
		case failure := <-ended:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
			defer cancel()
			return errors.Join(failure, leave(ctx))
		case <-ctx.Done():
		}
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Timeout)
	defer cancel()
	err = errors.Join(err, leave(ctx))
	if s.Linger > 0 && announcement != nil {
		wait := time.NewTimer(s.Linger)
		defer wait.Stop()
		select {
		case <-wait.C:
		case failure := <-ended:
			return errors.Join(err, failure)
		}
	}
	return errors.Join(err, s.Stop(ctx), <-ended)
}
