package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/vet/drive"
)

// findingsError says that roster vet found something, which is on stdout already.
type findingsError struct{ n int }

func (e *findingsError) Error() string { return fmt.Sprintf("vet: %d findings", e.n) }

func newVet() *cobra.Command {
	var opts drive.Options
	cmd := &cobra.Command{
		Use:   "vet [PACKAGES]",
		Short: "Find the usual mistakes of the registry pattern in Go code",
		Long: `Finds what goes wrong with registries before main and between packages: a blank
import that is missing or does nothing, one name registered twice in a program, I/O in an
init, a registration that comes too late, and more. It takes packages as go vet does; without
any, it looks at ./... . The exit code is 1 if something is found, and 2 if the packages
cannot be loaded.

A comment silences a finding: //roster:ignore ANALYZER and a reason. Each analyzer is
explained in docs/errors.md.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Patterns = args
			left, err := drive.Run(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			if left > 0 {
				return &findingsError{left}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.Format, "output", "o", "text", "`FORMAT`: text, json or sarif")
	flags.BoolVar(&opts.Fix, "fix", false, "apply the fixes that are safe, and report what is left")
	flags.StringVar(&opts.Baseline, "baseline", "", "do not report the findings in this `FILE`")
	flags.BoolVar(&opts.WriteBaseline, "write-baseline", false, "write what is found to the file of --baseline")
	flags.StringSliceVar(&opts.Only, "only", nil, "use only these `ANALYZERS`")
	flags.BoolVar(&opts.Advice, "advice", false, "also give advice that is a matter of design")
	flags.StringVar(&opts.Tags, "tags", "", "build `TAGS`, separated by commas")
	return cmd
}
