package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/demo"
)

func newDemo() *cobra.Command {
	var once bool
	var drill time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show three regions on this machine, and what happens to them",
		Long: `Start three regions, eu, us and ap, and show what they are for: a call that another region
serves, a hot swap of a plugin without a failed call, a partition with writes on both sides, a
kill while nothing is replicated, a revival, and a drill in which a region plays dead. Every
claim is checked, and the command fails at the first that does not hold.

Ports are free ones of the loopback interface, and data is in a folder that is removed at the
end. Afterwards the regions run until Ctrl-C, unless --once is given.

` + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("the path of this program, to run it for each region: %w", err)
			}
			defer keepThread()() // the processes end with the thread that started them
			return demo.Run(cmd.Context(), demo.Options{Program: program, Out: cmd.OutOrStdout(), Once: once, Drill: drill, Bind: bind})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end when everything has been shown")
	cmd.Flags().DurationVar(&drill, "drill", 4*time.Second, "`TIME` for which a region plays dead")
	return cmd
}

// newServeDemoPlugin is how a daemon of the demonstration runs this program as its plugin.
func newServeDemoPlugin() *cobra.Command {
	return &cobra.Command{
		Use:    demo.PluginCommand + " VERSION",
		Short:  "Serve the plugin of roster demo",
		Hidden: true,
		Args:   usage(cobra.ExactArgs(1)),
		RunE:   func(cmd *cobra.Command, args []string) error { return demo.ServePlugin(cmd.Context(), args[0]) },
	}
}
