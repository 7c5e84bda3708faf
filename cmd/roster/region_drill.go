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
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/drill"
)

// A drilling is what roster region drill was asked for.
type drilling struct {
	address *addressFlag
	format  formatFlag
	request api.DrillRequest
	length  time.Duration
	file    string
}

func newRegionDrill(address *addressFlag) *cobra.Command {
	d := drilling{address: address}
	cmd := &cobra.Command{
		Use:   "drill --fail REGION",
		Short: "Have a region play dead for a while, and report what was lost",
		Long: `Rehearse the loss of a region. Its daemons stop to replicate and refuse reads, writes and calls
for a while; they come back by a timer of their own, whatever becomes of this command and of
the daemon that it asks. Kills are not part of it, and reach the region all the while.

The daemon that is asked, which is one of another region, writes and reads probe records in
all regions meanwhile, waits until they have converged, makes sure that every write that was
acknowledged is in every region, and reports how long reads and writes failed where, and how
far behind the regions were. Progress is printed on standard error, the report on standard
output: Markdown, or JSON with -o json. An interrupt ends the drill.

A drill is refused while a region is not reached, since the next one to fail would be one too
many, and for the region of the daemon itself; --force drills all the same.

The command succeeds only if nothing was lost and the regions have converged.

` + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	address.add(cmd)
	d.format.add(cmd)
	cmd.Flags().StringVar(&d.request.Fail, "fail", "", "the `REGION` that plays dead")
	cmd.Flags().DurationVar(&d.length, "for", 15*time.Second, "`TIME` for which it does, "+drill.MinFor.String()+" to "+drill.MaxFor.String())
	cmd.Flags().StringVar(&d.file, "report", "", "`FILE` to write the report to, instead of standard output")
	cmd.Flags().BoolVar(&d.request.Force, "force", false, "drill also while a region is not reached, and the daemon's own region")
	return cmd
}

func (d *drilling) run(cmd *cobra.Command) error {
	asJSON, err := d.format.json()
	if err != nil {
		return err
	}
	if d.request.Fail == "" {
		return usageError{errors.New("region drill needs --fail REGION; roster ls regions lists them")}
	}
	d.request.For = d.length.String()
	c, err := newClient(d.address)
	if err != nil {
		return err
	}
	report, err := d.order(cmd.Context(), c, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	text := report.Markdown()
	if asJSON {
		if text, err = json.MarshalIndent(report, "", "  "); err != nil {
			return fmt.Errorf("the report: %w", err)
		}
		text = append(text, '\n')
	}
	if d.file != "" {
		if err := os.WriteFile(d.file, text, 0o644); err != nil { //nolint:gosec // a report is to be read
			return fmt.Errorf("--report: %w; the verdict was: %s", err, report.Verdict)
		}
		text = []byte(report.Verdict + "\n")
	}
	if err := printOut(cmd.OutOrStdout(), text); err != nil {
		return err
	}
	if !report.OK {
		return &drillFailedError{report.Verdict}
	}
	return nil
}

// order sends the request and prints progress until there is a report.
func (d *drilling) order(ctx context.Context, c *client, notes io.Writer) (*drill.Report, error) {
	body, err := json.Marshal(d.request)
	if err != nil {
		return nil, usageError{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url(api.DrillPath), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.open(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // nothing is left to learn from it
	lines := bufio.NewReader(answer.Body)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, &interruptedDrillError{d.request, cause(err)}
		}
		var line api.DrillLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("the daemon's answer: %w", err)
		}
		switch {
		case line.Error != nil:
			return nil, &orderError{*line.Error}
		case line.Report != nil:
			return line.Report, nil
		case line.Progress != nil:
			_, _ = fmt.Fprintf(notes, "%6d ms  %s\n", line.Progress.ElapsedMillis, line.Progress.Text)
		}
	}
}

// A drillFailedError reports a drill that found something.
type drillFailedError struct{ verdict string }

func (e *drillFailedError) Error() string { return "the drill failed: " + e.verdict }

// An interruptedDrillError reports a drill without a report.
type interruptedDrillError struct {
	request api.DrillRequest
	err     error
}

func (e *interruptedDrillError) Error() string {
	return fmt.Sprintf("the drill has ended without a report: %v; region %s comes back by itself, %s after it failed at the latest",
		e.err, e.request.Fail, e.request.For)
}

func (e *interruptedDrillError) Unwrap() error { return e.err }
