package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Look at the config of a daemon",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck())
	return cmd
}

func newConfigCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Say whether a daemon would take a config",
		Long: `Read config files and report what roster up would refuse before it does anything: names that
it does not know, settings that cannot be used or do not go together, and files that it cannot
read. Run it as the user and on the machine of the daemon. No port is opened, nothing is asked
over the network, and no plugin is started, so that a running daemon is not disturbed.

` + exitCodesHelp,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			var problems []error
			for _, file := range files {
				var config daemon.Config
				err := daemon.ReadConfig(file, &config)
				if err == nil {
					if err = config.Check(); err != nil {
						err = &daemon.ConfigError{Setting: file, Problem: err.Error(), Err: err}
					}
				}
				if err != nil {
					problems = append(problems, err)
					continue
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), file, "can be used"); err != nil {
					return fmt.Errorf("write to standard output: %w", err)
				}
			}
			return errors.Join(problems...)
		},
	}
}
