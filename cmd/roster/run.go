package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

// run is the whole program apart from the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var diagnosed *diagnosis
	if err != nil && !errors.As(err, &diagnosed) { // a diagnosis is in the report
		for line := range strings.Lines(err.Error()) {
			_, _ = fmt.Fprintln(stderr, "roster: "+strings.TrimSuffix(line, "\n"))
		}
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "roster",
		Short: "Names for implementations: linked in, in a plugin, or on another host",
		Long: `Roster finds an implementation by name and calls it, whether it is linked in,
runs as a plugin process, or lives on another host found through etcd.

  roster up                                        run a daemon
  roster call text.stats '{"text": "one two"}'     call a capability
  roster ls capabilities                           see what can be called

` + exitCodesHelp,
		Version:       daemon.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	address := &addressFlag{}
	root.AddCommand(
		newUp(), newConfig(), newCall(address), newList(address), newTop(address), newWatch(address), newRegister(address),
		newKill(address), newRevive(address),
		newGet(address), newPut(address), newRemove(address), newRegion(address), newNamespace(address),
		newPlugin(address), newToken(), newAudit(address), newNew(), newVet(), newInitOrder(), newBuild(),
		newDoctor(), newDemo(), newServePlugin(), newServeDemoPlugin(),
	)
	return root
}

// usage makes a check of positional arguments an error of usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// addressFlag says where the daemon is that a command talks to, and who asks.
type addressFlag struct {
	url string

	credentials
}

// addressVariable is the environment variable for it.
const addressVariable = "ROSTER_ADDRESS"

func (a *addressFlag) add(cmd *cobra.Command) {
	fallback := os.Getenv(addressVariable)
	if fallback == "" {
		fallback = "http://" + daemon.DefaultListen
	}
	cmd.Flags().StringVar(&a.url, "address", fallback, "URL of the daemon; the default can be set with $"+addressVariable)
	a.credentials.add(cmd)
}
