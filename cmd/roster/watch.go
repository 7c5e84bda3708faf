package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newWatch(address *addressFlag) *cobra.Command {
	var format formatFlag
	cmd := &cobra.Command{
		Use:   "watch SERVICE",
		Short: "Follow the instances of a service",
		Long: `Print the instances of a service, and then a line for each change, until interrupted.
With -o json the lines are JSON, as the daemon says them. A daemon that goes away is asked
again until it is back; then all instances are printed once more.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			w := watcher{client: c, service: args[0], json: asJSON, out: cmd.OutOrStdout(), notes: cmd.ErrOrStderr()}
			return w.run(cmd.Context())
		},
	}
	address.add(cmd)
	format.add(cmd)
	return cmd
}

// A watcher follows a service.
type watcher struct {
	client     *client
	service    string
	json       bool
	out, notes io.Writer
}

// silence is how long a daemon may say nothing before it counts as gone. It speaks every
// ten seconds.
const silence = 30 * time.Second

// An outputError is a failure to print, which asking the daemon again does not mend.
type outputError struct{ err error }

func (e *outputError) Error() string {
	return fmt.Sprintf("cannot print what the daemon says: %v", e.err)
}

func (e *outputError) Unwrap() error { return e.err }

// run follows until ctx ends, which is no error. The error is of the first attempt, or of
// the output.
func (w *watcher) run(ctx context.Context) error {
	const pause = time.Second
	for first := true; ; first = false {
		connected, err := w.follow(ctx)
		output := (*outputError)(nil)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // being told to end is no failure
		case errors.As(err, &output):
			return err
		case connected:
			_, _ = fmt.Fprintf(w.notes, "roster: the daemon at %s is gone, asking until it is back: %v\n", w.client.base, err)
		case first:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// follow prints lines until the daemon says no more. It tells whether it said anything.
func (w *watcher) follow(ctx context.Context) (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(errors.New("it has said nothing for " + silence.String())) })
	defer quiet.Stop()
	path := api.InstancesPath + "/" + url.PathEscape(w.service) + "/" + api.WatchVerb
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.client.url(path), http.NoBody)
	if err != nil {
		return false, fmt.Errorf("the request: %w", err)
	}
	answer, err := w.client.open(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return connected, err
		}
		connected = true
		quiet.Reset(silence)
		if err := w.print(text); err != nil {
			return connected, err
		}
	}
}

// print prints one line of the daemon's answer.
func (w *watcher) print(text []byte) error {
	var line api.WatchLine
	if err := json.Unmarshal(text, &line); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if line.Event == "alive" {
		return nil
	}
	if line.Hint != "" {
		_, _ = fmt.Fprintf(w.notes, "roster: no instances of %s yet: %s\n", w.service, line.Hint)
	}
	if w.json {
		return w.write(text)
	}
	var b bytes.Buffer
	switch {
	case line.Instance != nil:
		i := line.Instance
		fmt.Fprintf(&b, "%s %s %s", line.Event, i.ID, i.Address)
		if i.Zone != "" {
			fmt.Fprintf(&b, " zone %s", i.Zone)
		}
		if i.Draining {
			b.WriteString(" (draining)")
		}
	case line.Event == "stale" && line.Since != nil:
		since := line.Since.Local().Format(time.DateTime) //nolint:gosmopolitan // the reader's own clock
		fmt.Fprintf(&b, "stale since %s: %s", since, line.Reason)
	case line.Event == "fresh":
		b.WriteString("fresh")
	default:
		return nil
	}
	b.WriteByte('\n')
	return w.write(b.Bytes())
}

func (w *watcher) write(text []byte) error {
	if err := printOut(w.out, text); err != nil {
		return &outputError{err}
	}
	return nil
}
