package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/initorder"
)

// initOrderFlags are those of roster init-order.
type initOrderFlags struct {
	format formatFlag
	tags   string
	why    string
	trace  string
	dot    bool
	race   bool
}

func newInitOrder() *cobra.Command {
	var flags initOrderFlags
	cmd := &cobra.Command{
		Use:   "init-order PACKAGE|BINARY",
		Short: "Print the order in which a program's packages initialise, and why",
		Long: `Print the order in which the packages of a Go program initialise before main runs, the reason
for each position, and the names that each package registers, as far as they are constant.

A package is compiled and sorted as the linker does it; GOFLAGS, GOOS, CGO_ENABLED and the like
count. A binary has the order in it, and neither the reasons nor the registrations.

  roster init-order ./cmd/x
  roster init-order ./cmd/x --why net/http
  roster init-order ./cmd/x --dot | dot -Tsvg > order.svg
  GODEBUG=inittrace=1 ./x 2>trace; roster init-order ./x --trace trace

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return flags.run(cmd, args[0])
		},
	}
	flags.format.add(cmd)
	cmd.Flags().StringVar(&flags.tags, "tags", "", "build `TAGS` of the package, with commas between them")
	cmd.Flags().BoolVar(&flags.race, "race", false, "the order of a program with the race detector")
	cmd.Flags().StringVar(&flags.why, "why", "", "explain the position of one `PACKAGE`")
	cmd.Flags().BoolVar(&flags.dot, "dot", false, "print a graph in the language of Graphviz")
	cmd.Flags().StringVar(&flags.trace, "trace", "", "`FILE` with what the program printed with GODEBUG=inittrace=1: add its times, and fail if its order differs")
	return cmd
}

func (f *initOrderFlags) run(cmd *cobra.Command, target string) error {
	asJSON, err := f.format.json()
	if err != nil {
		return err
	}
	if f.dot && (asJSON || f.why != "") {
		return usageError{errors.New("--dot goes with neither -o json nor --why")}
	}
	order, err := f.order(cmd, target)
	if err != nil {
		return err
	}
	if f.trace != "" {
		if err := addTrace(order, f.trace); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	switch {
	case f.dot:
		return order.WriteDOT(out)
	case f.why != "":
		why, err := order.Why(f.why)
		if err != nil {
			return usageError{err}
		}
		return printValue(out, why, asJSON)
	}
	return printValue(out, order, asJSON)
}

func (f *initOrderFlags) order(cmd *cobra.Command, target string) (*initorder.Order, error) {
	if info, err := os.Stat(target); err == nil && info.Mode().IsRegular() && !strings.HasSuffix(target, ".go") {
		if f.tags != "" || f.race {
			return nil, usageError{fmt.Errorf("%s is a program that is built already; --tags and --race are for packages", target)}
		}
		return initorder.OfBinary(target)
	}
	var options initorder.Options
	if f.tags != "" {
		options.Flags = append(options.Flags, "-tags="+f.tags)
	}
	if f.race {
		options.Flags = append(options.Flags, "-race")
	}
	return initorder.OfPackage(cmd.Context(), target, options)
}

func addTrace(order *initorder.Order, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return usageError{fmt.Errorf("--trace: %w", err)}
	}
	defer file.Close() //nolint:errcheck // it was only read
	trace, err := initorder.ReadTrace(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(trace) == 0 {
		return usageError{fmt.Errorf("%s has no trace: run the program with GODEBUG=inittrace=1 and keep its standard error", name)}
	}
	if err := order.Compare(trace); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// printValue prints what has a form for people and one for programs.
func printValue(out io.Writer, value io.WriterTo, asJSON bool) error {
	if asJSON {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		return printOut(out, append(text, '\n'))
	}
	if _, err := value.WriteTo(out); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
