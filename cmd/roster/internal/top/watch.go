package top

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Watch looks at a daemon.
type Watch struct {
	Get   Getter
	From  string        // the daemon's URL, for people
	Every time.Duration // between two looks
	By    Key

	before *sample // at the latest look that was answered
	report *Report // nil until there were two
}

// patience bounds how long a look may take.
const patience = 5 * time.Second

// Begin takes the first look.
func (w *Watch) Begin(ctx context.Context) error {
	first, err := w.look(ctx)
	if err != nil {
		return err
	}
	w.before = &first
	return nil
}

func (w *Watch) look(ctx context.Context) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return take(ctx, w.Get)
}

// Next takes another look and returns what happened since the one before, in no order. A daemon
// that does not answer makes what is known stale, and is asked again the next time. The report is
// the caller's, and nil as long as there is none.
func (w *Watch) Next(ctx context.Context) *Report {
	now, err := w.look(ctx)
	if err == nil {
		w.report = compare(w.before, &now)
		w.before = &now
		return w.report
	}
	if w.report == nil {
		return nil
	}
	stale := *w.report // the caller may be showing the other one
	if stale.StaleSince == nil {
		since := time.Now()
		stale.StaleSince = &since
	}
	stale.Stale = oneLine(err)
	w.report = &stale
	return w.report
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// Print writes a report every so often until ctx ends, or once, as text or as a line of JSON. The
// error is of the first look or of the output.
func (w *Watch) Print(ctx context.Context, out io.Writer, asJSON, once bool) error {
	if err := w.Begin(ctx); err != nil {
		return err
	}
	for tick := time.NewTicker(w.Every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
		report := w.Next(ctx)
		if report == nil || ctx.Err() != nil {
			continue
		}
		report.Sort(w.By)
		if err := w.print(out, report, asJSON); err != nil || once {
			tick.Stop()
			return err
		}
	}
}

func (w *Watch) print(out io.Writer, report *Report, asJSON bool) error {
	var text []byte
	if asJSON {
		var err error
		if text, err = json.Marshal(report); err != nil {
			return fmt.Errorf("the report as JSON: %w", err)
		}
		text = append(text, '\n')
	} else {
		s := screen{report: report, from: w.From, every: w.Every, by: w.By}
		text = []byte(strings.Join(s.text(), "\n") + "\n\n")
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("cannot print the report: %w", err)
	}
	return nil
}
