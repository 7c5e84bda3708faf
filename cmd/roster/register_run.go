package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"syscall"
	"time"

	"github.com/roster-go/roster/discovery"
)

// A commandError is how a wrapped command ended, if not well.
type commandError struct{ state *exec.ExitError }

func (e *commandError) Error() string { return "the command ended: " + e.state.Error() }

func (e *commandError) Unwrap() error { return e.state }

// code is the command's exit code, in the way of shells.
func (e *commandError) code() int {
	if status, ok := e.state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		const signalled = 128
		return signalled + int(status.Signal())
	}
	return e.state.ExitCode()
}

// run starts the command, announces it while it is healthy, and ends it when ctx ends.
func (r *registration) run(ctx context.Context, registrar discovery.Registrar, command *exec.Cmd, log *slog.Logger) error {
	check, err := r.check()
	if err != nil {
		return usageError{err}
	}
	bind(command)
	release := keepThread() // the command's life may hang on the thread that starts it
	defer release()
	if err := command.Start(); err != nil {
		return usageError{fmt.Errorf("cannot start the command: %w", err)}
	}
	ended := make(chan error, 1)
	living, end := context.WithCancel(ctx)
	defer end()
	go func() {
		err := command.Wait()
		end() // what is under way for it, a check or a change, does not matter any more
		ended <- err
	}()
	w := wrapped{registration: r, check: check, registrar: registrar, command: command, ended: ended, log: log}
	return w.serve(ctx, living)
}

// wrapped is a command that runs.
type wrapped struct {
	*registration

	check     func(context.Context) error
	registrar discovery.Registrar
	command   *exec.Cmd
	ended     <-chan error
	log       *slog.Logger

	announcement discovery.Announcement // nil until it was healthy once
	listed       bool
}

// serve returns when the command has ended, or after it has ended it because ctx has. The
// context living ends in both cases.
func (w *wrapped) serve(ctx, living context.Context) error {
	deadline := time.NewTimer(w.start)
	defer deadline.Stop()
	const first = 50 * time.Millisecond
	next := time.NewTimer(first)
	defer next.Stop()
	bad := 0
	for {
		select {
		case err := <-w.ended:
			return errors.Join(outcome(err), w.leave())
		case <-ctx.Done():
			return w.end(nil)
		case <-deadline.C:
			if w.announcement == nil {
				return w.end(fmt.Errorf("the command was not healthy within %v (--health %s); see what it says, or give --start-timeout more",
					w.start, w.health))
			}
		case <-next.C:
			err := w.check(living)
			switch {
			case living.Err() != nil: // it says nothing about the command
			case err == nil:
				bad = 0
				if err := w.list(living); err != nil {
					return w.end(err)
				}
			case w.listed:
				bad++
				if bad >= w.failures {
					w.log.Warn("left out: it is not healthy", slog.Any("error", err))
					w.unlist(living)
				}
			}
			if w.announcement == nil {
				next.Reset(min(first, w.interval))
			} else {
				next.Reset(w.interval)
			}
		}
	}
}

// list announces the instance, unless it is.
func (w *wrapped) list(ctx context.Context) error {
	if w.listed {
		return nil
	}
	w.listed = true
	instances := []discovery.Instance{w.instance}
	if w.announcement == nil {
		announcement, err := w.registrar.Announce(ctx, instances)
		switch {
		case err == nil:
			w.announcement = announcement // to be closed even if it is about to stop
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it is about to stop
		default:
			return fmt.Errorf("announce the command: %w", err)
		}
		if s := announcement.Status(); !s.Registered {
			w.log.Warn("not announced yet", slog.Any("error", s.Err))
		}
		return nil
	}
	w.log.Warn("healthy again")
	w.update(ctx, instances)
	return nil
}

func (w *wrapped) unlist(ctx context.Context) {
	w.listed = false
	w.update(ctx, nil)
}

func (w *wrapped) update(ctx context.Context, instances []discovery.Instance) {
	const limit = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := w.announcement.Update(ctx, instances); err != nil && ctx.Err() == nil {
		w.log.Warn("the change is not announced yet", slog.Any("error", err))
	}
}

// leave takes the instance out of the fleet.
func (w *wrapped) leave() error {
	if w.announcement == nil {
		return nil
	}
	const limit = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := w.announcement.Close(ctx); err != nil {
		w.log.Warn("left without telling", slog.Any("error", err))
	}
	return nil
}

// end leaves, waits a moment, and stops the command. It returns reason, or else how the
// command ended.
func (w *wrapped) end(reason error) error {
	_ = w.leave()
	if w.announcement != nil {
		select {
		case err := <-w.ended:
			return errors.Join(reason, outcome(err))
		case <-time.After(w.linger):
		}
	}
	signalGroup(w.command, syscall.SIGTERM)
	select {
	case err := <-w.ended:
		if reason != nil {
			return reason
		}
		return outcome(err)
	case <-time.After(w.stop):
	}
	signalGroup(w.command, syscall.SIGKILL)
	err := <-w.ended
	w.log.Warn("the command did not stop in time and was killed", slog.Duration("after", w.stop))
	if reason != nil {
		return reason
	}
	return outcome(err)
}

// outcome is how the command ended.
func outcome(err error) error {
	if state := (*exec.ExitError)(nil); errors.As(err, &state) {
		return &commandError{state}
	}
	return err
}
