package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/plugin"
)

// errNotConforming is why a check of a plugin ends with a failure.
var errNotConforming = errors.New("the plugin does not do what a host relies on; see above")

func newPluginCheck() *cobra.Command {
	var config, apiVersion string
	cmd := &cobra.Command{
		Use:   "check PROGRAM|FOLDER [ARGUMENT]...",
		Short: "Drive a plugin through the protocol and say what it does wrong",
		Long: `Start a plugin as a host does, whatever language it is written in, and check the
handshake, what it declares, its config, its functions with good, bad, large and canceled
calls, and how it ends: when it is asked to, and when its host is gone. A folder is that of
a plugin.yaml, whose sandbox and config are taken.

Functions are called with input that none can expect; do not check a plugin whose calls do
harm.

` + exitCodesHelp,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := checkedDescriptor(args)
			if err != nil {
				return err
			}
			if config != "" {
				d.Config = json.RawMessage(config)
			}
			if apiVersion != "" {
				d.APIVersion = apiVersion
			}
			findings, err := plugin.Conform(cmd.Context(), d)
			if err != nil {
				return err
			}
			ok, err := plugin.WriteFindings(cmd.OutOrStdout(), findings)
			if err == nil && !ok {
				err = errNotConforming
			}
			return err
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows the program is the program's
	cmd.Flags().StringVar(&config, "config", "", "`JSON` object to give as its config")
	cmd.Flags().StringVar(&apiVersion, "api-version", "", "`VERSION` of the protocol (default v1)")
	return cmd
}

// checkedDescriptor describes the program of a command line, or reads its descriptor.
func checkedDescriptor(args []string) (plugin.Descriptor, error) {
	info, err := os.Stat(args[0])
	if err == nil && info.IsDir() {
		return plugin.ReadDescriptor(filepath.Join(args[0], plugin.DescriptorFile))
	}
	program, err := filepath.Abs(args[0])
	if err != nil {
		return plugin.Descriptor{}, err //nolint:wrapcheck // there is no working folder
	}
	return plugin.Descriptor{Command: append([]string{program}, args[1:]...), Dir: filepath.Dir(program)}, nil
}
