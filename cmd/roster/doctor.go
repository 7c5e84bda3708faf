package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/doctor"
)

// An examination is what roster doctor was asked for.
type examination struct {
	format formatFlag
	dump   string
	pid    int
	kill   bool
	after  time.Duration
}

// A diagnosis carries an exit code; the report has said what there is to say.
type diagnosis struct{ code int }

func (d *diagnosis) Error() string { return fmt.Sprintf("exit code %d", d.code) }

func newDoctor() *cobra.Command {
	var e examination
	cmd := &cobra.Command{
		Use:   "doctor [flags] -- PROGRAM [ARGUMENT...]",
		Short: "Find out why a program hangs before main",
		Long: `Start a Go program and say which init hangs, where, on what, and what usually helps:

  roster doctor -- ./prog --port 8080
  roster doctor --dump FILE           read a goroutine dump that somebody made; - is standard input
  roster doctor --pid PID             look at a process, and leave it running (Linux)

The program is looked at when no init has ended for --after, or as soon as it ends with a
deadlock. If it has reached main by then, or ended before, its slowest inits are printed.
Whatever it started is ended with it, also what has left its process group (on Linux).

A process is read where it stands. That needs its symbols, and its debug information for
lines and calls; what is missing is said. A dump needs neither, but ends the process: --kill
allows it, if the process writes its standard error to a file.

The program reads what this program would, except from a terminal. What it writes goes where
it would go. The report goes to standard error; with -o json to standard output, and what the
program writes there to standard error.

The exit code is 8 if an init hangs, the program's own if it ended by itself (128 and the
signal's number if a signal ended it), and 0 if it had reached main and was still running.

` + exitCodesHelp,
		Args: e.check,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := e.format.json()
			if err != nil {
				return err
			}
			report, out, err := e.examine(cmd, args, asJSON)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				err = encoder.Encode(report)
			} else {
				_, err = io.WriteString(out, report.Text())
			}
			if err != nil {
				return fmt.Errorf("write the report: %w", err)
			}
			return verdict(report)
		},
	}
	e.format.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&e.dump, "dump", "", "`FILE` with a goroutine dump to read instead; - for standard input")
	flags.IntVar(&e.pid, "pid", 0, "`PID` of a process to look at instead")
	flags.BoolVar(&e.kill, "kill", false, "with --pid: end the process with SIGQUIT if nothing less tells where it hangs")
	flags.DurationVar(&e.after, "after", doctor.DefaultPatience, "`TIME` without an init that ends after which the program is looked at")
	return cmd
}

// check refuses what does not go together.
func (e *examination) check(cmd *cobra.Command, args []string) error {
	pid := cmd.Flags().Changed("pid")
	switch dash := cmd.ArgsLenAtDash(); {
	case e.dump != "" && pid:
		return usageError{errors.New("--dump and --pid do not go together")}
	case (e.dump != "" || pid) && len(args) > 0:
		return usageError{errors.New("--dump and --pid take no program; see roster doctor --help")}
	case e.dump == "" && !pid && (dash != 0 || len(args) == 0):
		return usageError{errors.New("doctor takes -- PROGRAM, --dump FILE or --pid PID; see roster doctor --help")}
	case pid && e.pid <= 0:
		return usageError{fmt.Errorf("--pid %d is no process", e.pid)}
	case e.kill && !pid:
		return usageError{errors.New("--kill goes with --pid")}
	case e.after <= 0:
		return usageError{fmt.Errorf("--after %v is not more than nothing", e.after)}
	}
	return nil
}

// examine makes the report, and says where it goes.
func (e *examination) examine(cmd *cobra.Command, args []string, asJSON bool) (report doctor.Report, out io.Writer, err error) {
	switch {
	case e.dump != "":
		report, err = e.readDump(cmd.InOrStdin())
		return report, cmd.OutOrStdout(), err
	case e.pid != 0:
		report, err = doctor.Look(cmd.Context(), doctor.LookOptions{PID: e.pid, Patience: e.after, Kill: e.kill})
		return report, cmd.OutOrStdout(), asUsage(err)
	}
	options := doctor.Options{
		Command: args, Patience: e.after,
		Stdin: input(cmd.InOrStdin()), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(),
	}
	if asJSON {
		options.Stdout = cmd.ErrOrStderr()
	}
	report, err = doctor.Run(cmd.Context(), options)
	if err != nil && cmd.Context().Err() != nil {
		return report, nil, errors.New("interrupted; the program was ended")
	}
	return report, cmd.ErrOrStderr(), asUsage(err)
}

func (e *examination) readDump(stdin io.Reader) (doctor.Report, error) {
	if e.dump == "-" {
		report, err := doctor.ReadDump(stdin)
		return report, asUsage(err)
	}
	file, err := os.Open(e.dump)
	if err != nil {
		return doctor.Report{}, usageError{fmt.Errorf("--dump: %w", err)}
	}
	defer func() { _ = file.Close() }() // it was only read
	report, err := doctor.ReadDump(file)
	return report, asUsage(err)
}

func asUsage(err error) error {
	if err != nil {
		return usageError{err}
	}
	return nil
}

// verdict turns the report into the exit code.
func verdict(r doctor.Report) error {
	switch r.Verdict {
	case doctor.Hangs:
		return &diagnosis{code: exitHangs}
	case doctor.Ended:
		if r.ExitCode != 0 {
			return &diagnosis{code: r.ExitCode}
		}
	case doctor.Unknown:
		return &diagnosis{code: exitFailure}
	case doctor.Reached:
	}
	return nil
}
