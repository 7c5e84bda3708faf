package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/roster-go/roster/cmd/roster/internal/top"
)

const (
	defaultTopInterval = 2 * time.Second
	minTopInterval     = 100 * time.Millisecond
)

func newTop(address *addressFlag) *cobra.Command {
	var (
		format formatFlag
		every  time.Duration
		sort   string
		once   bool
	)
	keys := []string{string(top.ByRate), string(top.ByErrors), string(top.ByLatency), string(top.ByName)}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch what a daemon does, as a live table",
		Long: `Show lookups, misses, calls with their latency, plugins with state and restarts,
instances, lag and kills of a daemon, again and again. Rates are for each second between two
looks; latencies are of the calls between them, or of all calls if there were none, estimated
within the buckets of a histogram.

On a terminal the table stays in place: q ends it, and r, e, l and n sort it by rate, errors,
latency and name. Elsewhere tables follow each other, with -o json as lines of JSON. --once
prints one, after one interval. A daemon that goes away is asked again until it is back; until
then the table says since when it is stale.

` + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			if every < minTopInterval {
				return usageError{fmt.Errorf("--interval %v is too short; give %v or more", every, minTopInterval)}
			}
			if !slices.Contains(keys, sort) {
				return usageError{fmt.Errorf("--sort %q is none of %s", sort, strings.Join(keys, ", "))}
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			w := &top.Watch{Get: c.get, From: c.base.Redacted(), Every: every, By: top.Key(sort)}
			in, isFile := cmd.InOrStdin().(*os.File)
			out, isTerminal := cmd.OutOrStdout().(*os.File)
			isTerminal = isTerminal && isFile && term.IsTerminal(int(out.Fd()))
			if isTerminal && !asJSON && !once {
				return w.Live(cmd.Context(), in, out)
			}
			return w.Print(cmd.Context(), cmd.OutOrStdout(), asJSON, once)
		},
	}
	address.add(cmd)
	format.add(cmd)
	flags := cmd.Flags()
	flags.DurationVar(&every, "interval", defaultTopInterval, "`TIME` between two looks, 100ms or more")
	flags.StringVar(&sort, "sort", string(top.ByRate), "`KEY`: "+strings.Join(keys, ", "))
	flags.BoolVar(&once, "once", false, "print one table, after one interval, and end")
	return cmd
}
